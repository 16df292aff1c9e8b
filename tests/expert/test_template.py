"""Texts with facts in them: what is filled in, and that nothing is ever evaluated."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.observation import Observation, Scalar
from expert.template import (
    TemplateError,
    fill,
    fill_code,
    names_in,
    names_in_code,
    number,
)

FACTS = {
    "rate": Observation("rate", 0.1),
    "share": Observation("share", 0.256),
    "optimizer.kind": Observation("optimizer.kind", "SGD"),
    "dead": Observation("dead", (0.1, 0.95, 1.0), ("fc1", "fc2", "fc3")),
    "many": Observation("many", (1, 2, 3, 4, 5, 6), tuple("abcdef")),
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("rate {rate}", "rate 0.1"),
        ("{share|percent} of it", "26 % of it"),
        ("{optimizer.kind}", "SGD"),
        ("about {rate|integer}", "about 0"),
        ("{unheard}", "?"),
        ("a[[ and {unheard}]]", "a"),
        ("a[[ and {rate}]]", "a and 0.1"),
        ("{dead}", "0.1, 0.95, 1"),
        ("{dead|where}", "fc1, fc2, fc3"),
        ("{many}", "1, 2, 3, ... (+3)"),
        ("{many|where}", "a, b, c, ... (+3)"),
    ],
)
def test_fills_in_facts(template: str, filled: str) -> None:
    assert fill(template, FACTS) == filled


def test_shows_only_the_layers_that_matched() -> None:
    shown = fill("{dead|where}: {dead|percent}", FACTS, {"dead": (1, 2)})
    assert shown == "fc2, fc3: 95 %, 100 %"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (3.0, "3"),
        (0.123456, "0.123"),
        (1e-7, "1e-07"),
        (1234567, "1.23e+06"),
        (10**400, "infinite"),
        (-(10**400), "-infinite"),
        (math.nan, "NaN"),
        (math.inf, "infinite"),
        (-math.inf, "-infinite"),
    ],
)
def test_writes_numbers_as_people_do(value: float, shown: str) -> None:
    assert number(value) == shown


@given(st.integers() | st.floats() | st.booleans() | st.text(), st.sampled_from(["percent", ""]))
def test_every_value_can_be_shown(value: Scalar, how: str) -> None:
    for form in ("{x}", "{x|percent}", "{x|integer}", "{x|where}"):
        assert isinstance(fill(form, {"x": Observation("x", value)}), str)


HOSTILE = [
    "{rate.__class__}",
    "{rate.__class__.__mro__}",
    "{rate!r}",
    "{rate:>1000000000}",
    "{0}",
    "{}",
    "{rate[0]}",
    "{__import__('os').system('true')}",
    "%(rate)s $rate ${rate}",
    "{{rate}}",
    "{% raw %}",
]


@pytest.mark.parametrize("template", HOSTILE)
def test_evaluates_nothing(template: str) -> None:
    shown = fill(template, FACTS)
    assert "class" not in shown.replace(template, "")
    assert "Observation" not in shown
    assert len(shown) <= len(template) + 3


def test_a_value_that_looks_like_a_template_is_not_filled_again() -> None:
    facts = {"x": Observation("x", "{rate} [[{rate}]]"), **FACTS}
    assert fill("{x}", facts) == "{rate} [[{rate}]]"


@pytest.mark.parametrize("template", ["{rate|upper}", "{rate", "rate}", "{Rate}", "{rate:3}", "{}"])
def test_faulty_texts_are_found_when_knowledge_is_read(template: str) -> None:
    with pytest.raises(TemplateError):
        names_in(template)


def test_names_the_facts_it_needs() -> None:
    assert names_in("{rate} [[{dead|where}]]") == ["rate", "dead"]


@pytest.mark.timeout(20)
def test_hostile_text_does_not_take_quadratic_time() -> None:
    text = "[[" * 100_000 + "{" * 100_000  # minutes, were it quadratic
    assert fill(text, FACTS) == text


@pytest.mark.parametrize(
    ("code", "filled"),
    [
        ("lr={optimizer.kind:None}", "lr=SGD"),
        ("lr={sweep.rate:1e-3}", "lr=1e-3"),
        ("d = {'a': 1, **{k: v for k, v in x}}", "d = {'a': 1, **{k: v for k, v in x}}"),
        ('f"{x}"', 'f"{x}"'),
    ],
)
def test_code_keeps_its_own_braces(code: str, filled: str) -> None:
    assert fill_code(code, FACTS) == filled


def test_names_the_facts_that_code_needs() -> None:
    assert names_in_code("{a.b:1} {c} {d.e:}") == ["a.b", "d.e"]
