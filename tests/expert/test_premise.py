"""Compiled conditions: three-valued logic, quantifiers, arithmetic, and what was matched."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from expert.inference.premise import Outcome, compile_premise
from expert.inference.reading import Conclusion, Reading
from expert.observation import Value
from tests.expert import naive, random_rules
from tests.expert.making import condition, observed

NAN = math.nan


def outcome(data: dict[str, Any], facts: dict[str, Value], **certainties: float) -> Outcome:
    readings: dict[str, Any] = {o.name: Reading(o) for o in observed(facts)}
    for name, certainty in certainties.items():
        readings[f"cause:{name}"] = Conclusion(f"cause:{name}", certainty)
    return compile_premise(condition(data)).evaluate(readings)


def on(value: Value, **comparison: Any) -> bool | None:
    comparison = {
        {"is_": "is", "in_": "in", "for_": "for"}.get(k, k): v for k, v in comparison.items()
    }
    return outcome({"fact": "x", **comparison}, {"x": value}).truth


@given(random_rules.conditions, random_rules.facts)
def test_agrees_with_the_obvious_reading(data: dict[str, Any], facts: dict[str, Value]) -> None:
    assert outcome(data, facts).truth is naive.truth(data, facts, {})


def test_true_is_not_one_but_one_is_one_point_zero() -> None:
    assert on(True, is_=1) is False
    assert on(1, is_=True) is False
    assert on(1, is_=1.0) is True
    assert on(True, in_=[0, 1]) is False
    assert on((True, False), is_=1) is False
    assert on((True, 1.0), is_=1, for_="all") is False


@pytest.mark.parametrize("value", ["text", True, NAN])
def test_order_of_what_has_none_is_unknown(value: Value) -> None:
    assert on(value, above=0) is None
    assert outcome({"none": [{"fact": "x", "above": 0}]}, {"x": value}).truth is None


def test_nan_is_neither_equal_nor_different() -> None:
    assert on(NAN, is_=1) is None
    assert on(NAN, is_not=1) is None


def test_infinity_is_above_everything() -> None:
    assert on(math.inf, above=1e308) is True
    assert on((1.0, -math.inf), below=-1e308) is True


def test_integers_beyond_floats_do_not_break_anything() -> None:
    assert on(10**400, above=1) is True
    assert on((10**400, 1.5), above=1, for_="all") is True


@pytest.mark.parametrize(
    ("quantifier", "values", "truth"),
    [
        (None, (0, 2), True),
        ("any", (0, 0), False),
        ("any", (NAN, 2), True),
        ("any", (NAN, 0), None),
        ("all", (2, 2), True),
        ("all", (2, NAN), None),
        ("all", (0, NAN), False),
        ("most", (2, 2, 0), True),
        ("most", (2, 0), False),
        ("most", (2, 2, NAN), True),
        ("most", (2, 0, NAN), None),
        ("none", (0, 0), True),
        ("none", (0, NAN), None),
        ("none", (2, NAN), False),
        ("first", (2, 0), True),
        ("first", (NAN, 2), None),
        ("last", (2, 0), False),
        ("last", (2, NAN), None),
        ({"share": 0.5}, (2, 0), True),
        ({"share": 0.5}, (2, 0, 0), False),
        ({"share": 0.5}, (2, NAN, 0), None),
        ({"share": 0.55}, (2,) * 11 + (0,) * 9, True),
        ("any", (), None),
        ("all", (), None),
        ("none", (), None),
    ],
)
def test_quantifiers(quantifier: Any, values: Value, truth: bool | None) -> None:
    chosen = {} if quantifier is None else {"for_": quantifier}
    assert on(values, above=1, **chosen) is truth


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"times": [2, {"fact": "x"}, 2]}, 12),
        ({"plus": [1, {"fact": "x"}, 1]}, 5),
        ({"minus": [{"fact": "x"}, 4]}, -1),
        ({"over": [{"fact": "x"}, 2]}, 1.5),
        ({"log": {"times": [1, 1]}}, 0),
        ({"abs": {"minus": [0, {"fact": "x"}]}}, 3),
    ],
)
def test_arithmetic(expression: dict[str, Any], value: float) -> None:
    same = {"value": expression, "at_least": value, "at_most": value}
    assert outcome(same, {"x": 3}).truth is True
    assert outcome({"none": [same]}, {"x": 3}).truth is False


@pytest.mark.parametrize(
    "expression",
    [
        {"over": [1, {"fact": "zero"}]},
        {"log": {"fact": "zero"}},
        {"log": -1},
        {"plus": [{"fact": "missing"}, 1]},
        {"plus": [{"fact": "text"}, 1]},
        {"plus": [{"fact": "layers"}, 1]},
        {"plus": [{"fact": "nan"}, 1]},
        {"plus": [{"fact": "inf"}, {"times": [-1, {"fact": "inf"}]}]},
        {"minus": [{"fact": "inf"}, {"fact": "inf"}]},
        {"times": [{"fact": "inf"}, 0]},
    ],
)
def test_arithmetic_without_a_result_is_unknown(expression: dict[str, Any]) -> None:
    facts: dict[str, Value] = {
        "zero": 0,
        "text": "x",
        "layers": (1.0,),
        "nan": NAN,
        "inf": math.inf,
    }
    for comparison in ({"above": 0}, {"at_most": 0}, {"is": 0}):
        assert outcome({"value": expression, **comparison}, facts).truth is None


def test_compares_one_fact_with_another() -> None:
    higher = {"fact": "x", "above": {"fact": "y"}}
    assert outcome(higher, {"x": 2, "y": 1}).truth is True
    assert outcome(higher, {"x": 2}).truth is None
    assert outcome({"none": [higher]}, {"x": 2}).truth is None


def test_unknown_is_not_false() -> None:
    unknown = {"fact": "x", "above": 1}
    assert outcome({"none": [unknown]}, {}).truth is None
    assert outcome({"all": [unknown, {"known": "y"}]}, {}).truth is False
    assert outcome({"any": [unknown, {"unknown": "y"}]}, {}).truth is True
    assert outcome({"unknown": "x"}, {}).truth is True


def test_as_certain_as_the_weakest_of_all_and_the_strongest_of_any() -> None:
    parts = [{"cause": "p"}, {"cause": "q"}]
    assert outcome({"all": parts}, {}, p=0.9, q=0.4).certainty == 0.4
    assert outcome({"any": parts}, {}, p=0.9, q=0.4).certainty == 0.9
    assert outcome({"any": parts}, {}, p=0.1, q=0.4).certainty == 0.4


def test_a_cause_that_must_only_not_be_ruled_out_lends_no_certainty() -> None:
    possible = {"cause": "p", "at_least": -0.5}
    assert outcome(possible, {}, p=-0.4) == Outcome(True, 1.0, ("cause:p",))
    assert outcome({"none": [{"cause": "p"}]}, {}, p=-0.4) == Outcome(True, 1.0, ("cause:p",))


def test_an_observation_cannot_pass_for_a_conclusion() -> None:
    assert outcome({"cause": "p"}, {"cause:p": 1.0}).truth is None


def test_tells_where_it_matched() -> None:
    found = outcome({"fact": "x", "above": 1, "for": "any"}, {"x": (0, 2, 3)})
    assert (found.facts, found.matched) == (("x",), {"x": (1, 2)})


def test_two_conditions_on_one_fact_match_where_both_hold() -> None:
    both = {"all": [{"fact": "x", "above": 1}, {"fact": "x", "below": 3}]}
    assert outcome(both, {"x": (0, 2, 3)}).matched == {"x": (1,)}
    assert outcome(both, {"x": (0, 0.5, 4)}).matched == {"x": (0, 1, 2)}
