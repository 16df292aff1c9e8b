"""HOW, WHY NOT and WHAT IF."""

from __future__ import annotations

import pytest

from expert import Observation, built_in_knowledge, diagnose
from expert.inference.explain import ConditionTrace, explain, what_if
from expert.inference.wording import in_words
from expert.knowledge.conditions import All, OnFact, OnValue

KNOWLEDGE = built_in_knowledge()
SOFTMAX = [
    Observation("loss.function", "cross_entropy"),
    Observation("loss.input_is_probability", True),
]


def leaves(trace: ConditionTrace) -> list[ConditionTrace]:
    return [leaf for part in trace.parts for leaf in leaves(part)] or [trace]


def test_how_shows_every_fired_rule_down_to_the_values_it_saw() -> None:
    explanation = explain(SOFTMAX, KNOWLEDGE, "double-softmax")
    finding = diagnose(SOFTMAX, KNOWLEDGE).findings[0]
    fired = [rule for rule in explanation.rules if rule.fired]
    assert explanation.certainty == finding.certainty
    assert {rule.id for rule in fired} == {evidence.rule for evidence in finding.evidence}
    seen = {o.name: o.value for leaf in leaves(fired[0].condition) for o in leaf.saw}
    assert seen["loss.input_is_probability"] is True
    assert all(rule.condition.truth is True for rule in fired)


def test_why_not_shows_which_condition_failed_and_which_is_unknown() -> None:
    explanation = explain(SOFTMAX, KNOWLEDGE, "learning-rate-too-high")
    assert explanation.certainty is None
    assert not any(rule.fired for rule in explanation.rules)
    assert any("learning_rate.over_largest_stable" in text for text in explanation.missing)


def test_no_rule_that_did_not_fire_has_a_condition_that_holds() -> None:
    for cause in KNOWLEDGE.causes:
        for rule in explain(SOFTMAX, KNOWLEDGE, cause).rules:
            assert rule.fired is (rule.condition.truth is True), rule.id


def test_an_unknown_id_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        explain(SOFTMAX, KNOWLEDGE, "gremlins")


def test_what_if_tells_which_certainties_move_and_how() -> None:
    diagnosis, changes = what_if(
        SOFTMAX, KNOWLEDGE, [Observation("loss.input_is_probability", False)]
    )
    moved = {change.cause: change for change in changes}["double-softmax"]
    assert moved.before is not None
    assert moved.before >= 0.9
    assert moved.after is None or moved.after < 0.5
    assert "double-softmax" not in [finding.cause for finding in diagnosis.findings]


def test_what_if_nothing_is_different_changes_nothing() -> None:
    assert what_if(SOFTMAX, KNOWLEDGE, SOFTMAX)[1] == ()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (OnFact(fact="task", in_=["binary", "regression"]), "task ∈ {binary, regression}"),
        (OnFact(fact="loss.chance", above=0.5, at_most=2.0), "loss.chance > 0.5, ≤ 2"),
        (
            OnFact(fact="activation.dead_share", for_="any", at_least=0.9),
            "activation.dead_share[any] ≥ 0.9",
        ),
        (
            OnValue.model_validate(
                {"value": {"over": [{"fact": "a"}, {"times": [2, {"fact": "b"}]}]}, "above": 1}
            ),
            "(a / (2 × b)) > 1",
        ),
        (All(all=[OnFact(fact="task", is_="binary")]), "all"),
    ],
)
def test_conditions_are_written_in_one_line(condition: OnFact | OnValue | All, words: str) -> None:
    assert in_words(condition) == words
