"""The name that was probably meant."""

from __future__ import annotations

from expert.spelling import did_you_mean, nearest

KEYS = ["certainty", "reason", "AdamW"]


def test_a_slip_of_the_fingers_is_recognised_whatever_the_case() -> None:
    assert nearest("certanty", KEYS) == "certainty"
    assert nearest("adamw", KEYS) == "AdamW"


def test_another_word_is_not() -> None:
    assert nearest("xyz", KEYS) is None
    assert did_you_mean("xyz", KEYS) is None


def test_the_question_is_put_in_both_languages() -> None:
    asked = did_you_mean("raeson", KEYS)
    assert asked is not None
    assert asked.en == "did you mean 'reason'?"
    assert asked.zh == "您是否想写“reason”？"
