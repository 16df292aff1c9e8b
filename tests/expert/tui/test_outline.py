"""Root causes before consequences, indented."""

from __future__ import annotations

from expert.diagnosis import Finding
from expert.language import Text
from expert.tui.outline import outline


def finding(cause: str, *because_of: str) -> Finding:
    text = Text(cause, cause)
    return Finding(cause, 0.8, text, text, (), because_of, (), (), (), ())


def told(*findings: Finding) -> list[tuple[str, int, str | None]]:
    return [
        (e.finding.cause, e.depth, e.parent.cause if e.parent else None) for e in outline(findings)
    ]


def test_a_consequence_stands_below_its_cause_before_the_next_cause() -> None:
    assert told(finding("rate"), finding("scale"), finding("dead", "rate")) == [
        ("rate", 0, None),
        ("dead", 1, "rate"),
        ("scale", 0, None),
    ]


def test_a_consequence_of_a_consequence_stands_deeper() -> None:
    assert told(finding("a"), finding("b", "a"), finding("c", "b")) == [
        ("a", 0, None),
        ("b", 1, "a"),
        ("c", 2, "b"),
    ]


def test_a_circle_is_told_from_its_first_member() -> None:
    assert told(finding("a", "b"), finding("b", "a")) == [("a", 0, None), ("b", 1, "a")]


def test_a_cause_that_is_not_listed_does_not_hide_its_consequence() -> None:
    assert told(finding("a", "elsewhere")) == [("a", 0, None)]
