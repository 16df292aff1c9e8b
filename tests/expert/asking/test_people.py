"""Answers alone, from people with one trouble each: is it found, and in how many questions?"""

from __future__ import annotations

from functools import cache
from statistics import median

import pytest

from expert.inference.diagnose import diagnose
from expert.knowledge.base import Knowledge
from expert.knowledge.loader import load_knowledge
from tests.expert.asking.people import FINE, NOT_TRIED, TROUBLES, interview, told


@cache
def built_in() -> Knowledge:
    return load_knowledge()


def test_the_fine_person_knows_every_question() -> None:
    assert set(FINE) == set(built_in().questions)
    for id_, choice in FINE.items():
        choices = {each.answer for each in built_in().questions[id_].choices}
        assert choice is None or choice in choices


@pytest.mark.parametrize("answers", [FINE, {**FINE, **NOT_TRIED}], ids=["tried", "not-tried"])
def test_answers_of_a_training_that_is_fine_give_no_finding(answers: dict[str, str | None]) -> None:
    diagnosis = diagnose(told(built_in(), answers).observations, built_in())
    assert [finding.cause for finding in (*diagnosis.findings, *diagnosis.suspects)] == []


@pytest.mark.parametrize("task", ["yes-or-no", "numbers", "the-next-token", "its-input"])
def test_nor_do_those_of_another_task(task: str) -> None:
    losses = {"yes-or-no": "bce-with-logits", "numbers": "mse", "its-input": "mse"}
    fine = {**FINE, "task": task, "loss-function": losses.get(task, "cross-entropy")}
    fine["label-encoding"] = "zero-or-one"
    diagnosis = diagnose(told(built_in(), fine).observations, built_in())
    assert diagnosis.findings == ()


def test_settings_that_are_fine_are_not_blamed_for_a_loss_that_is_not() -> None:
    """Somebody in trouble whose every other answer is fine has a fault that no answer shows."""
    for curve in ("flat", "slow", "wavers", "at-chance"):
        answers = {**FINE, **NOT_TRIED, "what-the-loss-does": curve, "training-length": "long"}
        diagnosis = diagnose(told(built_in(), answers).observations, built_in())
        assert diagnosis.findings == (), curve


@pytest.mark.parametrize("cause", TROUBLES)
def test_the_answers_of_a_person_with_a_trouble_lead_to_it(cause: str) -> None:
    answers = {**FINE, **NOT_TRIED, **TROUBLES[cause]}
    diagnosis = diagnose(told(built_in(), answers).observations, built_in())
    assert cause in [finding.cause for finding in diagnosis.findings][:3]
    assert [finding.cause for finding in diagnosis.findings if not finding.fixes] == []


def test_most_troubles_come_first() -> None:
    first = 0
    for trouble in TROUBLES.values():
        answers = {**FINE, **NOT_TRIED, **trouble}
        findings = diagnose(told(built_in(), answers).observations, built_in()).findings
        first += bool(findings) and TROUBLES.get(findings[0].cause) is trouble
    assert first >= 0.9 * len(TROUBLES)


def test_somebody_whose_training_is_fine_is_soon_left_alone() -> None:
    assert len(interview(built_in(), FINE)) <= 15


@pytest.mark.slow
def test_half_of_the_troubles_are_found_within_fifteen_questions() -> None:
    asked = [
        len(interview(built_in(), {**FINE, **NOT_TRIED, **trouble}, until=cause))
        for cause, trouble in TROUBLES.items()
    ]
    assert median(asked) <= 15


def test_a_rate_that_is_too_high_is_found_in_a_few_questions() -> None:
    answers = {**FINE, **NOT_TRIED, **TROUBLES["learning-rate-too-high"]}
    assert len(interview(built_in(), answers, until="learning-rate-too-high")) <= 5
