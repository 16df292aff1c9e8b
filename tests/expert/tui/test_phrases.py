"""Values and evidence as a person reads them."""

from __future__ import annotations

import math

import pytest

from expert.diagnosis import Evidence
from expert.language import Text
from expert.observation import Observation
from expert.tui.phrases import bar, evidence, plain, value_text


@pytest.mark.parametrize(
    ("observation", "shown"),
    [
        (Observation("a", 0.1234567), "0.123"),
        (Observation("a", math.nan), "NaN"),
        (Observation("a", 2, unit="s"), "2 s"),
        (Observation("a", (0.5, 1.0), where=("net.0", "")), "net.0: 0.5  model: 1"),
        (Observation("a", (False,) * 40, where=tuple("l" * 40)), "False  (×40)"),
        (
            Observation("a", (1, 2, 3, 4, 5, 6), where=tuple("abcdef")),
            "a: 1  b: 2  c: 3  d: 4  … (+2)",
        ),
        (Observation("a", "evil\x1b[2Jname"), "evilname"),
    ],
)
def test_values_are_short_and_name_their_layers(observation: Observation, shown: str) -> None:
    assert value_text(observation) == shown


def test_control_characters_never_reach_the_screen() -> None:
    assert plain("a\x1b[31mred\x1b[0m\x07\tb\r\nc\x9b") == "ared\tb\nc"


def test_a_bar_tells_its_length_without_colour() -> None:
    assert bar(0.5, 4).plain == "━━──"
    assert bar(7.0, 4).plain == "━━━━"
    assert bar(-1.0, 4).plain == "────"


def test_evidence_says_what_it_rests_on() -> None:
    reason = Text("it is [b]high[/b]", "过高")
    piece = Evidence("a/b", -0.5, reason, (Observation("x.y", 3),), ("symptom:flat",))
    rows = evidence(piece, {"flat": Text("the loss is flat", "损失不变")}, "en")
    assert [row.content.plain.strip() for row in rows] == [
        "−0.50  it is [b]high[/b]",
        "x.y = 3",
        "follows from the loss is flat",
    ]
