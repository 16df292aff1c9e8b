"""Whole runs: layers, chains, groups, and the same result whatever the order or hash seed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expert.inference.program import Program, Run
from expert.knowledge.loader import Knowledge
from expert.observation import Observation, Value
from tests.bench.engines import EXPERTA, TORCHMEDIC
from tests.bench.synthetic import rule_base
from tests.expert.making import cause, knowledge, observed, rule, symptom

HIGH = {"fact": "x", "above": 1}
CHAIN = knowledge(
    cause("late", rule("follows", {"cause": "early", "at_least": 0.5}, 0.5)),
    cause("early", rule("seen", {"symptom": "flat"}, 0.9)),
    symptom("flat", rule("measured", HIGH, 0.8)),
)


def run(known: Knowledge, facts: dict[str, Value]) -> Run:
    return Program(known).run(observed(facts))


def fired(result: Run) -> list[str]:
    return [firing.rule.id for firing in result.firings]


def test_conclusions_lie_in_layers_above_what_they_rest_on() -> None:
    assert Program(CHAIN).layers == [["symptom:flat"], ["cause:early"], ["cause:late"]]


def test_facts_lead_to_symptoms_to_causes_to_causes() -> None:
    result = run(CHAIN, {"x": 2})
    assert fired(result) == ["flat/measured", "early/seen", "late/follows"]
    assert result.certainties == pytest.approx(
        {"symptom:flat": 0.8, "cause:early": 0.72, "cause:late": 0.36}
    )


def test_nothing_follows_from_nothing() -> None:
    assert run(CHAIN, {}) == Run({}, (), {})
    assert run(knowledge(), {"x": 2}).firings == ()


def test_a_link_of_a_chain_that_is_too_weak_ends_it() -> None:
    weak = symptom("flat", rule("measured", HIGH, 0.5))
    known = knowledge(*CHAIN.causes.values(), weak)
    assert fired(run(known, {"x": 2})) == ["flat/measured", "early/seen"]


def test_a_layer_waits_for_all_evidence_of_the_one_below() -> None:
    against = rule("refuted", {"fact": "y", "above": 1}, -0.9)
    known = knowledge(*CHAIN.causes.values(), symptom("flat", rule("measured", HIGH, 0.8), against))
    assert fired(run(known, {"x": 2, "y": 2})) == ["flat/measured", "flat/refuted"]


def test_only_the_strongest_of_a_group_counts() -> None:
    rules = [
        rule("weak", HIGH, 0.5, group="same"),
        rule("strong", HIGH, 0.6, group="same"),
        rule("other", HIGH, 0.5),
    ]
    result = run(knowledge(cause("c", *rules)), {"x": 2})
    assert len(result.firings) == 3
    assert result.certainties["cause:c"] == pytest.approx(0.8)  # 1 - (1 - 0.6) (1 - 0.5)


def test_deprecated_rules_do_not_fire() -> None:
    known = knowledge(cause("c", rule("old", HIGH, status="deprecated"), rule("new", HIGH)))
    assert fired(run(known, {"x": 2})) == ["c/new"]


def test_rules_fire_in_the_order_of_the_knowledge() -> None:
    rules = [rule(f"r{i}", {"fact": f"f{i % 7}", "above": 0}) for i in range(40)]
    facts: dict[str, Value] = {f"f{i}": 1 for i in reversed(range(7))}
    assert fired(run(knowledge(cause("c", *rules)), facts)) == [f"c/r{i}" for i in range(40)]


def test_the_last_observation_of_a_name_counts() -> None:
    observations = [Observation("x", 0), Observation("x", 2)]
    assert Program(CHAIN).run(observations).certainties["symptom:flat"] == 0.8
    assert Program(CHAIN).run(observations[::-1]).certainties == {}


def test_a_chain_of_a_thousand_causes_arrives() -> None:
    links = [
        cause(f"c{i}", rule("r", {"cause": f"c{i - 1}"} if i else HIGH, 1.0)) for i in range(1000)
    ]
    assert run(knowledge(*reversed(links)), {"x": 2}).certainties["cause:c999"] == 1.0


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_observations_changes_nothing(random: object) -> None:
    base = rule_base(200)
    facts = list(base.facts.items())
    random.shuffle(facts)  # type: ignore[attr-defined]
    expected, result = PROGRAM.run(observed(dict(base.facts))), PROGRAM.run(observed(dict(facts)))
    assert fired(result) == fired(expected)
    assert result.certainties == expected.certainties
    assert list(result.certainties) == list(expected.certainties)


PROGRAM = Program(TORCHMEDIC.source(rule_base(200)))

SCRIPT = """
from expert.inference.program import Program
from tests.bench.engines import TORCHMEDIC
from tests.bench.synthetic import rule_base
from tests.expert.making import observed

base = rule_base(200)
run = Program(TORCHMEDIC.source(base)).run(observed(base.facts))
print([firing.rule.id for firing in run.firings], run.certainties)
"""


def test_hash_seeds_change_nothing() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1
    assert "s0/r" in outputs.pop()


def test_agrees_with_stock_experta_on_a_large_rule_base() -> None:
    base = rule_base(200, seed=2)
    results = [
        engine.run(engine.build(engine.source(base)), base.facts)
        for engine in (TORCHMEDIC, EXPERTA)
    ]
    assert results[0].agrees(results[1])
    assert len(results[0].fired) > 20


def test_compiling_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()
    Program(CHAIN)
    assert gc.isenabled()
    gc.disable()
    try:
        Program(CHAIN)
        assert not gc.isenabled()
    finally:
        gc.enable()
