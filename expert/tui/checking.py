"""What is wrong with rules that were just saved: mistakes by line, then tests that fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from expert.knowledge.reader import Place, Problem
from expert.language import Text
from expert.lint import lint
from expert.rule_tests import Result, run_rule_tests
from expert.tui.examining import KnowledgeSource


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong, as (line, sentence).

    `problems`: mistakes and failing tests; `broken`: the rules cannot be used at all;
    `remarks`: what is probably a mistake, an unknown fact for one.
    """

    problems: tuple[tuple[int, Text], ...]
    broken: bool
    tests: int = 0
    remarks: tuple[tuple[int, Text], ...] = ()


def check_saved(source: KnowledgeSource, path: Path, id_: str) -> Checked:
    """Return what is wrong with the rules as `source` has read them; tests only of `path`."""
    if source.error is not None:
        told = [(_line(p.place, path), _said(p, path)) for p in source.error.problems]
        return Checked(tuple(sorted(told, key=lambda pair: pair[0])), broken=True)
    owners = _owners(source, path) or [id_]
    results = list(run_rule_tests(source.knowledge, owners))
    failed = [(_line(result.place, path), _told(result)) for result in results if not result.passed]
    remarks = [
        (remark.place.line, remark.message)
        for remark in lint(source.knowledge)
        if _same(remark.place.path, path)
    ]
    return Checked(tuple(failed), False, len(results), tuple(remarks))


def _said(problem: Problem, path: Path) -> Text:
    """Return what is wrong; the place is said only where it is in another file."""
    if not _same(problem.place.path, path):
        return Text(problem.say("en"), problem.say("zh"))
    message, hint = problem.message, problem.hint
    if hint is None:
        return message
    return Text(f"{message.en}; {hint.en}", f"{message.zh}；{hint.zh}")


def _told(result: Result) -> Text:
    """Return which test failed, and how."""
    name = f"{result.owner} · {result.name}: "
    failures = result.failures
    return Text(
        en=name + "; ".join(failure.en for failure in failures),
        zh=name + "；".join(failure.zh for failure in failures),
    )


def _owners(source: KnowledgeSource, path: Path) -> list[str]:
    """Return the causes and symptoms that are written in the file."""
    knowledge = source.knowledge
    every = [
        *(("cause", c) for c in knowledge.causes),
        *(("symptom", s) for s in knowledge.symptoms),
    ]
    return [id_ for kind, id_ in every if _same(knowledge.place(kind, id_).path, path)]


def _line(place: Place, path: Path) -> int:
    return place.line if _same(place.path, path) else 1


def _same(shown: str, path: Path) -> bool:
    return Path(shown).resolve() == path.resolve()
