"""What a cause should have: evidence against it, a fix, a source, tests."""

from __future__ import annotations

from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Cause
from expert.language import Text
from expert.lint.coded import CODES, Remark


def on_causes(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield a remark for everything that a cause lacks."""
    for cause in knowledge.causes.values():
        place = knowledge.place("cause", cause.id)
        for code, lack in _lacking(cause):
            message = Text(en=f"{cause.id} {lack.en}", zh=f"{cause.id} {lack.zh}")
            yield Remark(place, CODES[code], message)


def _lacking(cause: Cause) -> Iterator[tuple[str, Text]]:
    if not any(rule.certainty < 0 for rule in cause.evidence):
        yield "never-ruled-out", Text(en="has no evidence against it", zh="缺少反面证据")
    if not cause.fixes:
        yield "no-fix", Text(en="has no fix", zh="没有修复办法")
    if not (cause.sources or any(rule.sources for rule in cause.evidence)):
        yield "no-source", Text(en="cites no source", zh="没有引用出处")
    if not any(cause.id in (*test.expect, test.first) for test in cause.tests):
        yield "no-test", Text(en="lacks a test that expects it", zh="缺少应当得出它的测试")
    elif not any(cause.id in test.silent for test in cause.tests):
        yield "no-test", Text(en="lacks a test in which it stays silent", zh="缺少不应出现的测试")
