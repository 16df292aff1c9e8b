"""Observations: what they refuse, and their form as JSON."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.observation import Observation, Value

names = st.from_regex(r"[a-z]+(\.[a-z_]+)?", fullmatch=True)
words = st.text(max_size=8).filter(lambda word: word not in ("nan", "inf", "-inf"))
scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | words


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    values = draw(st.lists(scalars, max_size=4).map(tuple))
    where = tuple(draw(st.lists(words, min_size=len(values), max_size=len(values))))
    value: Value = draw(scalars) if draw(st.booleans()) else values
    unit = draw(st.none() | words)
    return Observation(draw(names), value, where if value is values else (), draw(words), unit)


@given(observations())
def test_survives_strict_json(observation: Observation) -> None:
    written = json.dumps(observation.to_json(), allow_nan=False)
    back = Observation.from_json(json.loads(written))
    assert back == observation
    assert type(back.value) is type(observation.value)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_survive_json(value: float) -> None:
    assert Observation.from_json(Observation("x", value).to_json()).value == value


def test_nan_survives_json_inside_per_layer_values() -> None:
    data = Observation("x", (1.0, math.nan), ("a", "b")).to_json()
    assert data["value"] == [1.0, "nan"]
    back = Observation.from_json(data).value
    assert isinstance(back, tuple)
    assert math.isnan(float(back[1]))


def test_json_needs_only_name_and_value() -> None:
    assert Observation.from_json({"name": "x", "value": 1}) == Observation("x", 1)


@pytest.mark.parametrize("where", [(), ("a",), ("a", "b", "c")])
def test_refuses_other_numbers_of_values_than_places(where: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"x: 2 values for \d names"):
        Observation("x", (1, 2), where)


def test_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Observation("x", 1).value = 2  # type: ignore[misc]
