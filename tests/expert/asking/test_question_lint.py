"""What lint says of questions."""

from __future__ import annotations

from expert.lint import lint
from tests.expert.asking.test_questionnaire import SMALL
from tests.expert.making import loaded


def codes(pack: str) -> set[str]:
    questions = {"same-answer", "no-dont-know", "unused-answer"}
    return {remark.code.id for remark in lint(loaded(pack))} & questions


def test_a_question_for_a_fact_that_nothing_uses_is_told() -> None:
    assert codes(SMALL) == {"unused-answer"}  # the colour


def test_two_choices_that_tell_the_same_are_told() -> None:
    alike = SMALL.replace("sets: {curve: falls}", "sets: {curve: flat}")
    assert "same-answer" in codes(alike)


def test_a_question_without_i_dont_know_is_told() -> None:
    known = SMALL.replace("  - {answer: unknown, text: {en: no idea, zh: 不清楚}}\n", "", 1)
    assert "no-dont-know" in codes(known)


def test_a_measured_fact_that_only_an_answer_sets_in_vain_is_told() -> None:
    vain = SMALL.replace("colour", "paint").replace(
        "inquiry: question:paint", "inquiry: probe:paint"
    )
    assert "unused-answer" in codes(vain)
