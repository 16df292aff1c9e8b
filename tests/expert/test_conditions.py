"""What a condition may look like, and what it reads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from expert.knowledge.conditions import conclusions_in, facts_in, leaves
from tests.expert.making import condition


@pytest.mark.parametrize(
    "data",
    [
        {"fact": "a", "is": True},
        {"fact": "a", "is": "text"},
        {"fact": "a", "in": [1, 2.5, "x"]},
        {"fact": "a", "above": 1, "below": 1e9},
        {"fact": "a", "for": "most", "at_least": {"fact": "b"}},
        {"fact": "a", "for": {"share": 0.25}, "at_most": 0},
        {"value": {"over": [{"fact": "a"}, {"log": 2}]}, "above": {"times": [2, {"fact": "b"}]}},
        {"known": "a"},
        {"unknown": "a"},
        {"symptom": "s"},
        {"cause": "c", "at_least": 0.5},
        {"all": [{"any": [{"none": [{"known": "a"}]}]}]},
    ],
)
def test_understands(data: dict[str, Any]) -> None:
    assert list(leaves(condition(data)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "a condition needs one of the keys"),
        ({"fakt": "a", "is": 1}, "a condition needs one of the keys"),
        ("a > 1", "a condition needs one of the keys"),
        ([], "a condition needs one of the keys"),
        ({"fact": "a"}, "compare the value with one of is, is_not, in"),
        ({"fact": "a", "above": None}, "'above' has no value"),
        ({"fact": "a", "is": None}, "'is' has no value"),
        ({"fact": "a", "in": []}, "at least 1 item"),
        ({"fact": "a", "above": "1"}, "valid number"),
        ({"fact": "a", "above": True}, "valid number"),
        ({"fact": "a", "above": float("nan")}, "finite number"),
        ({"fact": "a", "above": float("inf")}, "finite number"),
        ({"fact": "a", "above": 1, "abov": 1}, "Extra inputs"),
        ({"fact": "a", "for": "some", "above": 1}, "'any', 'all', 'most'"),
        ({"fact": "a", "for": {"share": 0}, "above": 1}, "greater than 0"),
        ({"fact": "A", "above": 1}, "pattern"),
        ({"fact": "__class__", "above": 1}, "pattern"),
        ({"value": {"power": [1, 2]}, "above": 1}, "Extra inputs"),
        ({"value": {}, "above": 1}, "exactly one of times"),
        ({"value": {"plus": [1, 2], "abs": 1}, "above": 1}, "exactly one of times"),
        ({"value": {"log": None}, "above": 1}, "'log' has no value"),
        ({"value": {"over": [1, 2, 3]}, "above": 1}, "at most 2 items"),
        ({"value": {"plus": [1]}, "above": 1}, "at least 2 items"),
        ({"symptom": "s", "at_least": 2}, "less than or equal to 1"),
        ({"all": []}, "at least 1 item"),
        ({"none": {"known": "a"}}, "valid list"),
    ],
)
def test_refuses(data: Any, message: str) -> None:
    with pytest.raises(ValidationError, match="(?s)" + message):
        condition(data)


def test_names_what_it_reads_in_order() -> None:
    whole = condition(
        {
            "all": [
                {"fact": "a", "above": {"times": [{"fact": "b"}, 2]}},
                {"any": [{"unknown": "c"}, {"symptom": "s"}, {"none": [{"cause": "x"}]}]},
                {"value": {"abs": {"fact": "d"}}, "below": 1},
            ]
        }
    )
    assert list(facts_in(whole)) == ["a", "b", "c", "d"]
    assert list(conclusions_in(whole)) == ["symptom:s", "cause:x"]
