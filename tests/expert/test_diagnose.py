"""Diagnoses: what is told, in which order, with which evidence and fixes."""

from __future__ import annotations

from typing import Any

import pytest

from expert.diagnosis import Diagnosis
from expert.inference.diagnose import diagnose, program_for
from expert.knowledge.loader import Knowledge
from expert.observation import Observation, Value
from tests.bench.engines import TORCHMEDIC
from tests.bench.synthetic import rule_base
from tests.expert.making import cause, fix, knowledge, observed, rule, symptom, text


def high(fact: str, certainty: float = 0.8, **more: Any) -> dict[str, Any]:
    return rule(f"{fact}-high", {"fact": fact, "above": 1}, certainty, **more)


def told(known: Knowledge, facts: dict[str, Value], **options: Any) -> Diagnosis:
    return diagnose(observed(facts), known, **options)


def causes(diagnosis: Diagnosis) -> list[str]:
    return [finding.cause for finding in diagnosis.findings]


FAMILY = knowledge(
    cause("dead-relu", high("dead", 0.95)),
    cause("rate-high", high("rate", 0.6), produces=["dead-relu", "nan"]),
    cause("nan", high("nan", 0.9)),
    cause("labels", high("labels", 0.7)),
)


def test_root_causes_come_before_their_consequences_though_less_certain() -> None:
    diagnosis = told(FAMILY, {"dead": 2, "rate": 2, "nan": 2, "labels": 2})
    assert causes(diagnosis) == ["rate-high", "labels", "dead-relu", "nan"]


def test_says_what_follows_from_what() -> None:
    findings = {f.cause: f for f in told(FAMILY, {"dead": 2, "rate": 2}).findings}
    assert findings["rate-high"].leads_to == ("dead-relu",)
    assert findings["dead-relu"].because_of == ("rate-high",)
    assert findings["rate-high"].because_of == findings["dead-relu"].leads_to == ()


def test_without_its_cause_a_consequence_stands_alone() -> None:
    (finding,) = told(FAMILY, {"dead": 2}).findings
    assert (finding.cause, finding.because_of) == ("dead-relu", ())


def test_a_link_holds_only_where_its_condition_does() -> None:
    link = {"cause": "effect", "when": {"fact": "linked", "is": True}}
    known = knowledge(cause("effect", high("e")), cause("root", high("r"), produces=[link]))
    assert told(known, {"e": 2, "r": 2, "linked": True}).findings[0].leads_to == ("effect",)
    assert told(known, {"e": 2, "r": 2, "linked": False}).findings[0].leads_to == ()
    assert told(known, {"e": 2, "r": 2}).findings[0].leads_to == ()


def test_causes_that_produce_each_other_are_both_told() -> None:
    known = knowledge(
        cause("one", high("a", 0.6), produces=["two"]),
        cause("two", high("b", 0.9), produces=["one"]),
    )
    assert causes(told(known, {"a": 2, "b": 2})) == ["two", "one"]


CERTAINTIES = knowledge(
    *(
        cause(f"c{i}", high("x", certainty))
        for i, certainty in enumerate([0.1, 0.2, 0.49, 0.5, 0.9, -0.1, -0.2, -0.9])
    ),
    cause("other", high("unmeasured")),
)


def test_sorts_causes_by_how_sure_it_is() -> None:
    diagnosis = told(CERTAINTIES, {"x": 2})
    assert causes(diagnosis) == ["c4", "c3"]
    assert [suspect.cause for suspect in diagnosis.suspects] == ["c2", "c1"]
    assert [(r.cause, r.certainty) for r in diagnosis.ruled_out] == [("c7", -0.9), ("c6", -0.2)]
    assert diagnosis.unknown == ("other",)


def test_min_certainty_moves_the_line_between_findings_and_suspects() -> None:
    strict = told(CERTAINTIES, {"x": 2}, min_certainty=0.6)
    assert causes(strict) == ["c4"]
    assert [suspect.cause for suspect in strict.suspects] == ["c3", "c2", "c1"]
    lax = told(CERTAINTIES, {"x": 2}, min_certainty=0.1)
    assert causes(lax) == ["c4", "c3", "c2", "c1", "c0"]
    assert lax.suspects == ()


def test_symptoms_are_told_most_certain_first() -> None:
    known = knowledge(
        symptom("weak", high("x", 0.3)),
        symptom("strong", high("x", 0.9)),
        symptom("hardly", high("x", 0.1)),
    )
    assert [s.id for s in told(known, {"x": 2}).symptoms] == ["strong", "weak"]


def test_evidence_is_strongest_first_and_says_what_it_rests_on() -> None:
    known = knowledge(
        symptom("flat", high("x", 0.5)),
        cause(
            "c",
            rule("by-symptom", {"all": [{"symptom": "flat"}, {"known": "y"}]}, 0.8),
            rule("against", {"fact": "y", "above": 1}, -0.1),
            high("z", 0.9),
        ),
    )
    (finding,) = told(known, {"x": 2, "y": 2, "z": 3}).findings
    assert [(e.rule, e.certainty) for e in finding.evidence] == [
        ("c/z-high", 0.9),
        ("c/by-symptom", pytest.approx(0.4)),
        ("c/against", -0.1),
    ]
    assert finding.evidence[1].because == ("symptom:flat",)
    assert [fact.name for fact in finding.evidence[1].facts] == ["y"]


def test_evidence_names_only_the_layers_that_matched() -> None:
    when = {"fact": "dead", "for": "any", "at_least": 0.9}
    known = knowledge(cause("c", rule("r", when, reason=text("{dead|where} ({dead|percent})"))))
    dead = Observation("dead", (0.0, 0.95, 1.0), ("fc1", "fc2", "fc3"), "probe:activations")
    (evidence,) = diagnose([dead], known).findings[0].evidence
    assert evidence.reason.en == evidence.reason.zh == "fc2, fc3 (95 %, 100 %)"
    assert evidence.facts == (
        Observation("dead", (0.95, 1.0), ("fc2", "fc3"), "probe:activations"),
    )


def test_fixes_are_those_that_apply_with_the_numbers_of_this_case() -> None:
    fixes = [
        fix("always", instructions=text("lower {x}"), code="lr = {sweep.rate:1e-3}"),
        fix("sometimes", when={"fact": "kind", "is": "SGD"}),
        fix("not-here", when={"fact": "kind", "is": "Adam"}),
        fix("nobody-knows", when={"fact": "unheard", "is": 1}),
    ]
    known = knowledge(cause("c", high("x"), fixes=fixes))
    (finding,) = told(known, {"x": 2, "kind": "SGD", "sweep.rate": 0.05}).findings
    assert [remedy.id for remedy in finding.fixes] == ["always", "sometimes"]
    assert finding.fixes[0].instructions.en == "lower 2"
    assert finding.fixes[0].code == "lr = 0.05"
    assert told(known, {"x": 2}).findings[0].fixes[0].code == "lr = 1e-3"


def test_sources_are_told_once() -> None:
    known = knowledge(
        cause("c", high("x", sources=["book/2", "book/1"]), sources=["book/1"]),
    )
    assert told(known, {"x": 2}).findings[0].sources == ("book/1", "book/2")


def test_nothing_observed_means_nothing_known() -> None:
    diagnosis = told(FAMILY, {})
    assert diagnosis.findings == diagnosis.suspects == ()
    assert diagnosis.ruled_out == ()
    assert diagnosis.unknown == tuple(FAMILY.causes)


def test_the_last_observation_of_a_name_counts_and_is_told_once() -> None:
    diagnosis = diagnose([Observation("dead", 2), Observation("dead", 0)], FAMILY)
    assert diagnosis.findings == ()
    assert diagnosis.facts == (Observation("dead", 0),)


def test_the_same_input_gives_the_same_diagnosis() -> None:
    base = rule_base(100)
    one, other = TORCHMEDIC.source(base), TORCHMEDIC.source(base)
    facts = observed(dict(base.facts))
    assert diagnose(facts, one) == diagnose(facts, one) == diagnose(facts, other)
    reversed_ = diagnose(facts[::-1], one)
    assert reversed_.findings == diagnose(facts, one).findings
    assert reversed_.ruled_out == diagnose(facts, one).ruled_out


def test_knowledge_is_compiled_once() -> None:
    assert program_for(FAMILY) is program_for(FAMILY)


def test_a_model_of_a_thousand_layers_is_one_observation() -> None:
    when = {"fact": "std", "for": {"share": 0.4}, "below": 0.1}
    known = knowledge(cause("c", rule("r", when, reason=text("{std|where}"))))
    values = tuple(0.01 if i % 2 else 1.0 for i in range(1000))
    std = Observation("std", values, tuple(f"layer{i}" for i in range(1000)))
    (finding,) = diagnose([std], known).findings
    assert len(finding.evidence[0].facts[0].where) == 500
    assert finding.evidence[0].reason.en == "layer1, layer3, layer5, ... (+497)"
