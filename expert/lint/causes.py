"""What a cause should have: evidence against it, a fix, a source, tests."""

from __future__ import annotations

from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Cause
from expert.lint.coded import CODES, Remark


def on_causes(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield a remark for everything that a cause lacks."""
    for cause in knowledge.causes.values():
        place = knowledge.place("cause", cause.id)
        for code, message in _lacking(cause):
            yield Remark(place, CODES[code], f"{cause.id} {message}")


def _lacking(cause: Cause) -> Iterator[tuple[str, str]]:
    if not any(rule.certainty < 0 for rule in cause.evidence):
        yield "never-ruled-out", "has no evidence against it"
    if not cause.fixes:
        yield "no-fix", "has no fix"
    if not (cause.sources or any(rule.sources for rule in cause.evidence)):
        yield "no-source", "cites no source"
    if not any(cause.id in (*test.expect, test.first) for test in cause.tests):
        yield "no-test", "lacks a test that expects it"
    elif not any(cause.id in test.silent for test in cause.tests):
        yield "no-test", "lacks a test in which it stays silent"
