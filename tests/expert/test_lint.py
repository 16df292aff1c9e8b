"""Every remark: what brings it on, and what does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.knowledge.base import Knowledge
from expert.knowledge.loader import load_knowledge
from expert.lint import CODES, Provider, all_remarks, lint
from expert.lint.intervals import implies, settled
from tests.expert.making import condition, loaded

HEAD = """\
source: book
title: A book
---
fact: loss
type: number
meaning: {en: m, zh: 义}
inquiry: probe:loss
---
fact: steps
type: integer
meaning: {en: m, zh: 义}
inquiry: probe:loss
---
fact: kind
type: text
values: [round, square]
meaning: {en: m, zh: 义}
inquiry: probe:shape
---
fact: free
type: text
meaning: {en: m, zh: 义}
inquiry: probe:shape
---
fact: on
type: flag
meaning: {en: m, zh: 义}
inquiry: probe:shape
---
fact: std
type: number
per: layer
meaning: {en: m, zh: 义}
inquiry: probe:shape
---
"""
CAUSE = """\
cause: high
title: {en: It is high, zh: 太高}
explanation: {en: It is high, zh: 太高}
sources: [book]
evidence:
  - rule: above
    when: {fact: loss, above: 10}
    certainty: 0.8
    reason: {en: "it is {loss}", zh: "为 {loss}"}
    threshold: "10: seen"
  - rule: below
    when: {fact: loss, below: 1}
    certainty: -0.8
    reason: {en: "it is {loss}", zh: "为 {loss}"}
    threshold: "1: seen"
fixes:
  - fix: lower
    title: {en: Lower it, zh: 调低}
    instructions: {en: Lower it now, zh: 现在调低}
    verify: {en: Look at it, zh: 看一看}
tests:
  - {name: high, given: {loss: 20}, expect: [high]}
  - {name: low, given: {loss: 0}, silent: [high]}
"""
PROBES = {
    "probe:loss": Provider(frozenset({"loss", "steps"}), frozenset()),
    "probe:shape": Provider(frozenset({"kind", "free", "on", "std"}), frozenset()),
}


def codes(
    old: str = "", new: str = "", *, more: str = "", probes: Mapping[str, Provider] | None = PROBES
) -> set[str]:
    """Return the codes of the remarks on the cause with one thing changed."""
    assert old in HEAD + CAUSE
    text = (HEAD + CAUSE).replace(old, new, 1) if old else HEAD + CAUSE
    found = all_remarks(loaded(text + more), probes)
    return {remark.code.id for remark in found} - {"unused-fact"}


def test_a_sound_cause_brings_on_no_remark() -> None:
    assert codes() == set()


WHEN = "{fact: loss, above: 10}"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("certainty: -0.8", "certainty: 0.1", "never-ruled-out"),
        ("sources: [book]", "sources: []", "no-source"),
        ("  - {name: high, given: {loss: 20}, expect: [high]}\n", "", "no-test"),
        ("  - {name: low, given: {loss: 0}, silent: [high]}\n", "", "no-test"),
        (WHEN, "{fact: std, above: 10}", "missing-quantifier"),
        (WHEN, "{fact: loss, for: any, above: 10}", "needless-quantifier"),
        (WHEN, "{fact: kind, is: oval}", "wrong-type"),
        (WHEN, "{fact: on, is: 1}", "wrong-type"),
        (WHEN, "{fact: steps, is: 1.5}", "wrong-type"),
        (WHEN, "{fact: kind, above: 1}", "wrong-type"),
        ("given: {loss: 20}", "given: {loss: 20, kind: oval}", "wrong-type"),
        ("given: {loss: 20}", "given: {loss: 20, steps: 1.5}", "wrong-type"),
        ("given: {loss: 20}", "given: {loss: 20, std: [1.0, many]}", "wrong-type"),
        ("given: {loss: 20}", "given: {loss: 20, std: [1.0, 2], steps: 3.0}", None),
        (WHEN, "{fact: loss, above: {fact: kind}}", "not-a-number"),
        (WHEN, "{fact: loss, above: {times: [2, {fact: std}]}}", "not-a-number"),
        (WHEN, "{fact: loss, above: 5, below: 3}", "never-true"),
        (WHEN, "{all: [{fact: loss, above: 5}, {fact: loss, below: 3}]}", "never-true"),
        (WHEN, "{any: [{fact: loss, below: 5}, {fact: loss, above: 3}]}", "always-true"),
        (WHEN, "{fact: loss, below: 1}", "contradicting"),
        (WHEN, "{all: [{fact: loss, below: 1}]}", "contradicting"),
        ("zh: 太高}", "zh: It is high}", "not-translated"),
        ("{en: Lower it, zh: 调低}", "{en: AdamW, zh: AdamW}", None),
        ("zh: 现在调低}", "zh: diao di}", "not-translated"),
        ('zh: "为 {loss}"', "zh: 太高", "facts-differ"),
        ("en: It is high", "en: TODO", "todo"),
        (
            "{en: Lower it, zh: 调低}",
            '{en: "Lower it from {steps}", zh: "从 {steps} 调低"}',
            "maybe-unknown",
        ),
        ("en: Lower it,", 'en: "Lower it[[ from {steps}]]",', "facts-differ"),
        ('    threshold: "10: seen"\n', "", "no-threshold"),
        ("title: A book\n", "title: A book\n---\nsource: film\ntitle: t\n", "not-cited"),
    ],
)
def test_a_mistake_brings_on_its_remark(old: str, new: str, code: str | None) -> None:
    found = codes(old, new)
    follows = {"wrong-type": {"never-true"}, "no-source": {"not-cited"}}.get(code or "", set())
    assert found - follows == ({code} if code else set())


RULE = """\
  - rule: more
    when: {when}
    certainty: {certainty}
    group: {group}
    reason: {{en: "it is {{loss}}", zh: "为 {{loss}}"}}
    threshold: "seen"
"""


def with_rule(when: str, certainty: float, group: str, own_group: str = "g") -> set[str]:
    rule = RULE.format(when=when, certainty=certainty, group=group)
    text = HEAD + CAUSE.replace("fixes:\n", rule + "fixes:\n", 1)
    text = text.replace('threshold: "10: seen"', f'threshold: "10: seen"\n    group: {own_group}')
    return {r.code.id for r in all_remarks(loaded(text), PROBES)} - {"unused-fact"}


@pytest.mark.parametrize(
    ("when", "certainty", "group", "code"),
    [
        ("{fact: loss, above: 10.0}", 0.5, "g", "same-condition"),
        ("{fact: loss, above: 10}", -0.5, "g", "contradicting"),
        ("{fact: loss, above: 20}", 0.5, "g", "never-counts"),
        ("{all: [{fact: loss, above: 20}, {fact: on, is: true}]}", 0.8, "g", "never-counts"),
        ("{fact: loss, above: 20}", 0.9, "g", None),
        ("{fact: loss, above: 20}", 0.5, "other", "counted-twice"),
        ("{fact: loss, above: 5}", 0.5, "g", None),
        ("{fact: loss, above: 5}", 0.9, "g", "never-counts"),
        ("{fact: loss, above: 20}", -0.9, "other", None),
        ("{fact: on, is: true}", 0.5, "other", "maybe-unknown"),
    ],
)
def test_rules_of_one_cause_are_compared(
    when: str, certainty: float, group: str, code: str | None
) -> None:
    found = with_rule(when, certainty, group)
    assert found - {"maybe-unknown"} == ({code} if code else set()) - {"maybe-unknown"}


# -------------------------------------------------------------------- who provides what is used
def test_facts_that_nobody_provides_yet_are_noted_and_so_are_the_rules_on_them() -> None:
    less = {**PROBES, "probe:loss": Provider(frozenset({"steps"}), frozenset())}
    assert codes(probes=less) == {"not-measured", "unreachable"}
    assert lint(loaded(HEAD + CAUSE), less) == []


def test_a_rule_is_reachable_by_any_branch_that_is() -> None:
    less = {**PROBES, "probe:shape": Provider(frozenset(), frozenset())}
    either = "{any: [{fact: on, is: true}, {fact: loss, above: 10}]}"
    assert "unreachable" not in codes(WHEN, either, probes=less)
    both = "{all: [{fact: on, is: true}, {fact: loss, above: 10}]}"
    assert "unreachable" in codes(WHEN, both, probes=less)
    assert "unreachable" not in codes(WHEN, "{unknown: on}", probes=less)


def test_what_rests_on_an_unreachable_conclusion_is_unreachable_too() -> None:
    less = {"probe:shape": PROBES["probe:shape"]}
    rests = CAUSE.replace("cause: high", "cause: rests").replace(WHEN, "{cause: high}")
    remarks = all_remarks(loaded(HEAD + CAUSE + "---\n" + rests), less)
    told = [remark.message.en for remark in remarks if remark.code.id == "unreachable"]
    assert "rests/above cannot fire: it needs cause:high" in told


def test_a_fact_of_another_probe_is_told() -> None:
    moved = {
        "probe:loss": Provider(frozenset({"steps"}), frozenset()),
        "probe:new": Provider(frozenset({"loss"}), frozenset()),
        "probe:shape": PROBES["probe:shape"],
    }
    assert codes(probes=moved) == {"wrong-inquiry"}


def test_a_probe_that_needs_no_more_has_run_wherever_the_other_did() -> None:
    shows = {"old": "en: Lower it,", "new": 'en: "Lower it[[ of {loss}]]",'}
    text = (HEAD + CAUSE).replace(shows["old"], 'en: "Lower it when {loss}",')
    text = text.replace("zh: 调低}", 'zh: "在 {loss} 时调低"}')
    text = text.replace("    verify:", "    when: {fact: on, is: true}\n    verify:")
    needy = {**PROBES, "probe:loss": Provider(PROBES["probe:loss"].facts, frozenset({"optimizer"}))}
    assert {r.code.id for r in lint(loaded(text), needy)} == {"maybe-unknown"}
    assert lint(loaded(text), PROBES) == []


def test_a_text_that_a_watched_run_alone_cannot_fill_is_told() -> None:
    shows = HEAD + CAUSE.replace('"it is {loss}"', '"it is {loss} in {steps}"')
    shows = shows.replace('"为 {loss}"', '"{steps} 时为 {loss}"')
    assert lint(loaded(shows), PROBES) == []
    watched = {**PROBES, "watch:run": Provider(frozenset({"loss"}), alone=True)}
    assert {remark.code.id for remark in lint(loaded(shows), watched)} == {"maybe-unknown"}
    both = {**PROBES, "watch:run": Provider(frozenset({"loss", "steps"}), alone=True)}
    assert lint(loaded(shows), both) == []


def test_facts_that_reports_tell_anyway_are_not_called_unused() -> None:
    def unused(told: bool) -> set[str]:
        probes = {**PROBES, "probe:shape": Provider(PROBES["probe:shape"].facts, told=told)}
        found = all_remarks(loaded(HEAD + CAUSE), probes)
        return {r.message.en for r in found if r.code.id == "unused-fact"}

    assert "nothing uses free" in unused(told=False)
    assert "nothing uses free" not in unused(told=True)


def test_every_remark_is_said_in_chinese_too() -> None:
    broken = (HEAD + CAUSE).replace("sources: [book]", "sources: []").replace("-0.8", "0.1")
    for remark in all_remarks(loaded(broken), PROBES):
        assert re.search(r"[\u4e00-\u9fff]", remark.message.zh), remark
        assert remark.say("zh").endswith(f"[{remark.code.id}]")


QUESTION = """\
---
fact: said
type: text
meaning: {en: m, zh: 义}
inquiry: question:asked
---
question: asked
text: {en: Is it so?, zh: 是吗？}
why: {en: It matters, zh: 有关系}
choices:
  - {answer: "yes", text: {en: "Yes", zh: 是}, sets: {said: "yes"}}
  - {answer: "no", text: {en: "No", zh: 否}}
"""


def test_answers_that_serve_nothing_and_facts_that_nobody_asks_for() -> None:
    assert codes(more=QUESTION) == {"unused-answer"}
    unset = QUESTION.replace(', sets: {said: "yes"}', "")
    assert codes(WHEN, "{any: [{fact: loss, above: 10}, {fact: said, is: x}]}", more=unset) == {
        "no-dont-know",
        "not-asked",
    }


# ------------------------------------------------------------------------------------ reasoning
FACTS = loaded(HEAD).facts


@pytest.mark.parametrize(
    ("data", "truth"),
    [
        ({"all": [{"fact": "loss", "above": 3}, {"fact": "loss", "at_most": 3}]}, False),
        ({"all": [{"fact": "loss", "at_least": 3}, {"fact": "loss", "at_most": 3}]}, None),
        ({"any": [{"fact": "loss", "above": 3}, {"fact": "loss", "at_most": 3}]}, True),
        ({"any": [{"fact": "loss", "above": 3}, {"fact": "loss", "below": 3}]}, None),
        ({"all": [{"fact": "steps", "above": 3}, {"fact": "steps", "below": 4}]}, False),
        ({"all": [{"fact": "loss", "above": 3}, {"fact": "loss", "below": 4}]}, None),
        ({"all": [{"fact": "kind", "is": "round"}, {"fact": "kind", "is": "square"}]}, False),
        ({"fact": "kind", "in": ["round", "square"]}, True),
        ({"fact": "free", "in": ["round", "square"]}, None),
        ({"all": [{"fact": "on", "is": True}, {"none": [{"fact": "on", "is": True}]}]}, False),
        ({"none": [{"fact": "loss", "above": 3}, {"fact": "loss", "below": 5}]}, False),
        (
            {
                "all": [
                    {"fact": "std", "for": "any", "above": 5},
                    {"fact": "std", "for": "any", "below": 3},
                ]
            },
            None,
        ),
        (
            {
                "all": [
                    {"fact": "std", "for": "last", "above": 5},
                    {"fact": "std", "for": "last", "below": 3},
                ]
            },
            False,
        ),
        ({"fact": "std", "for": "any", "above": 5, "below": 3}, False),
        ({"fact": "std", "for": "none", "above": 5, "below": 3}, None),
        (
            {"all": [{"fact": "loss", "above": {"fact": "steps"}}, {"fact": "loss", "below": 0}]},
            None,
        ),
        ({"any": [{"known": "loss"}, {"symptom": "s"}]}, None),
    ],
)
def test_what_holds_always_or_never(data: dict[str, object], truth: bool | None) -> None:
    found = settled(condition(data), FACTS)
    assert (found[1] if found else None) is truth


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"fact": "loss", "above": 5}, {"fact": "loss", "above": 3}, True),
        ({"fact": "loss", "above": 3}, {"fact": "loss", "above": 5}, False),
        ({"fact": "loss", "above": 3}, {"fact": "loss", "at_least": 3}, True),
        ({"fact": "loss", "is": 3}, {"fact": "loss", "in": [3, 4]}, True),
        ({"fact": "kind", "is": "round"}, {"fact": "kind", "is_not": "square"}, True),
        (
            {"fact": "std", "for": "any", "above": 5},
            {"fact": "std", "for": "any", "above": 3},
            True,
        ),
        (
            {"fact": "std", "for": "any", "above": 5},
            {"fact": "std", "for": "all", "above": 3},
            False,
        ),
        (
            {"fact": "std", "for": "none", "above": 5},
            {"fact": "std", "for": "none", "above": 3},
            False,
        ),
        ({"fact": "loss", "above": {"fact": "steps"}}, {"fact": "loss", "above": 3}, False),
        (
            {"all": [{"fact": "on", "is": True}, {"fact": "loss", "above": 5}]},
            {"any": [{"fact": "loss", "above": 3}, {"known": "std"}]},
            True,
        ),
    ],
)
def test_what_follows_from_what(
    one: dict[str, object], other: dict[str, object], expected: bool
) -> None:
    assert implies(condition(one), condition(other), FACTS) is expected


bounds = st.dictionaries(
    st.sampled_from(["above", "below", "at_least", "at_most", "is", "is_not"]),
    st.integers(-2, 2),
    min_size=1,
    max_size=2,
)
trees = st.recursive(
    bounds.map(lambda b: {"fact": "loss", **b}),
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
GRID = [value / 4 for value in range(-16, 17)]


def holds(data: dict[str, object], value: float) -> bool:
    """Return the truth of a condition on `loss`, straight from the meaning of the words."""
    match data:
        case {"all": list(parts)}:
            return all(holds(part, value) for part in parts)
        case {"any": list(parts)}:
            return any(holds(part, value) for part in parts)
        case {"none": list(parts)}:
            return not any(holds(part, value) for part in parts)
    tests = {
        "above": value.__gt__,
        "below": value.__lt__,
        "at_least": value.__ge__,
        "at_most": value.__le__,
        "is": value.__eq__,
        "is_not": value.__ne__,
    }
    return all(bool(tests[name](float(str(b)))) for name, b in data.items() if name != "fact")


@given(trees)
def test_settled_conditions_are_those_that_no_value_changes(data: dict[str, object]) -> None:
    truths = {holds(data, value) for value in GRID}
    found = settled(condition(data), FACTS)
    assert (found is not None) == (len(truths) == 1)
    assert found is None or truths == {found[1]}


@given(trees, trees)
def test_what_is_said_to_follow_follows(one: dict[str, object], other: dict[str, object]) -> None:
    if implies(condition(one), condition(other), FACTS):
        assert all(holds(other, value) for value in GRID if holds(one, value))


# ------------------------------------------------------------------------- codes and silencing
def test_every_code_is_explained_in_both_languages() -> None:
    for id_, code in CODES.items():
        assert code.id == id_
        assert code.meaning.en
        assert any("\u4e00" <= character <= "\u9fff" for character in code.meaning.zh)


def in_file(folder: Path, text: str) -> Knowledge:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_knowledge(path, built_in=False)


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", 1),
        ("  # lint: needless-quantifier", 0),
        ("  # lint: no-fix, needless-quantifier", 0),
        ("  # lint: no-fix", 1),
        ("  # needless-quantifier", 1),
    ],
)
def test_a_comment_at_the_end_of_the_line_silences_a_remark(
    tmp_path: Path, comment: str, left: int
) -> None:
    text = (HEAD + CAUSE).replace(WHEN, f"{{fact: loss, for: any, above: 10}}{comment}")
    assert len(lint(in_file(tmp_path, text))) == left
