"""Does every id that knowledge mentions exist, and can all conclusions be put in an order?"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from expert.knowledge.conditions import AnyCondition, conclusions_in, facts_in, parts
from expert.knowledge.extending import given_twice
from expert.knowledge.reader import Problem
from expert.knowledge.schema import Cause, Conclusion, Fix, Rule
from expert.language import LANGUAGES, Text
from expert.spelling import did_you_mean
from expert.template import TemplateError, names_in, names_in_code

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge

#: What the kinds of documents are called in Chinese.
KIND_ZH = {
    "pack": "规则包",
    "source": "出处",
    "fact": "事实",
    "question": "问题",
    "symptom": "现象",
    "cause": "原因",
}


def reference_problems(knowledge: Knowledge, disabled: Iterable[str] = ()) -> list[Problem]:
    """Return a problem for every unknown id, every rule id given twice, and every circle.

    Rules may mention causes that a pack has `disabled`: these are just never concluded.
    """
    checker = _Checker(knowledge, disabled)
    problems = list(checker.problems())
    return problems or list(_circles(knowledge))


class _Checker:
    """Walks all documents with the known ids at hand."""

    def __init__(self, knowledge: Knowledge, disabled: Iterable[str]) -> None:
        self.knowledge = knowledge
        self.known: dict[str, Collection[str]] = {
            "fact": knowledge.facts.keys(),
            "symptom": knowledge.symptoms.keys(),
            "cause": {**knowledge.causes, **dict.fromkeys(disabled)}.keys(),
            "source": knowledge.sources.keys(),
        }

    def problems(self) -> Iterator[Problem]:
        for question in self.knowledge.questions.values():
            at = ("question", question.question)
            if question.when:
                yield from self._condition(at, question.when, ("when",))
            yield from self._sources(at, question.sources, ())
            for i, choice in enumerate(question.choices):
                for name in choice.sets:
                    yield from self._known(at, "fact", name, ("choices", i, "sets", name))
        for name, document in self.knowledge.conclusions():
            kind, _, id_ = name.partition(":")
            yield from self._conclusion((kind, id_), document)

    def _conclusion(self, at: tuple[str, str], document: Conclusion) -> Iterator[Problem]:
        yield from self._sources(at, document.sources, ())
        for part in ("title", "explanation"):
            yield from self._texts(at, getattr(document, part).text, (part,))
        for i, rule in enumerate(document.evidence):
            yield from self._rule(at, rule, i)
        yield from self._repeated(at, "evidence", document.evidence)
        if isinstance(document, Cause):
            yield from self._cause(at, document)
        for i, test in enumerate(document.tests):
            for name in test.given:
                yield from self._known(at, "fact", name, ("tests", i, "given", name))
            named = [*test.expect, *test.silent, *([test.first] if test.first else [])]
            for id_ in named:
                yield from self._conclusion_id(at, id_, ("tests", i))

    def _rule(self, at: tuple[str, str], rule: Rule, i: int) -> Iterator[Problem]:
        here = ("evidence", i)
        yield from self._condition(at, rule.when, (*here, "when"))
        yield from self._sources(at, rule.sources, here)
        yield from self._texts(at, rule.reason.text, (*here, "reason"))

    def _cause(self, at: tuple[str, str], cause: Cause) -> Iterator[Problem]:
        for i, link in enumerate(cause.links):
            yield from self._known(at, "cause", link.cause, ("produces", i))
            if link.when:
                yield from self._condition(at, link.when, ("produces", i, "when"))
        for i, name in enumerate(cause.locate):
            yield from self._known(at, "fact", name, ("locate", i))
        yield from self._repeated(at, "fixes", cause.fixes)
        for i, fix in enumerate(cause.fixes):
            here = ("fixes", i)
            yield from self._sources(at, fix.sources, here)
            if fix.when:
                yield from self._condition(at, fix.when, (*here, "when"))
            yield from self._code(at, fix.code or "", (*here, "code"))
            for part in ("title", "instructions", "verify"):
                yield from self._texts(at, getattr(fix, part).text, (*here, part))

    def _repeated(
        self, at: tuple[str, str], part: str, items: Sequence[Rule | Fix]
    ) -> Iterator[Problem]:
        seen: set[str] = set()
        for i, item in enumerate(items):
            id_ = item.rule if isinstance(item, Rule) else item.fix
            if id_ in seen:
                yield self._problem(at, (part, i), given_twice(item))
            seen.add(id_)

    def _condition(
        self, at: tuple[str, str], condition: AnyCondition, loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        for i, part in enumerate(parts(condition)):
            (key,) = condition.model_fields_set  # all, any or none
            yield from self._condition(at, part, (*loc, key, i))
        if parts(condition):
            return
        for name in facts_in(condition):
            yield from self._known(at, "fact", name, loc)
        for name in conclusions_in(condition):
            kind, _, id_ = name.partition(":")
            yield from self._known(at, kind, id_, loc)

    def _texts(
        self, at: tuple[str, str], text: Text, loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        for language in LANGUAGES:
            try:
                names = names_in(text.get(language))
            except TemplateError as error:
                yield self._problem(at, (*loc, language), error.text)
                continue
            for name in names:
                yield from self._known(at, "fact", name, (*loc, language))

    def _code(
        self, at: tuple[str, str], code: str, loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        for name in names_in_code(code):
            yield from self._known(at, "fact", name, loc)

    def _sources(
        self, at: tuple[str, str], ids: Iterable[str], loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        for i, id_ in enumerate(ids):
            yield from self._known(at, "source", id_, (*loc, "sources", i))

    def _conclusion_id(
        self, at: tuple[str, str], id_: str, loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        if id_ not in self.known["cause"] and id_ not in self.known["symptom"]:
            yield from self._known(at, "cause", id_, loc)

    def _known(
        self, at: tuple[str, str], kind: str, id_: str, loc: tuple[int | str, ...]
    ) -> Iterator[Problem]:
        if id_ not in self.known[kind]:
            message = Text(en=f"unknown {kind} '{id_}'", zh=f"未知的{KIND_ZH[kind]}“{id_}”")
            yield self._problem(at, loc, message, did_you_mean(id_, self.known[kind]))

    def _problem(
        self,
        at: tuple[str, str],
        loc: tuple[int | str, ...],
        message: Text,
        hint: Text | None = None,
    ) -> Problem:
        return Problem(self.knowledge.place(*at, loc), message, hint)


def _circles(knowledge: Knowledge) -> Iterator[Problem]:
    try:
        strata(knowledge)
    except graphlib.CycleError as error:
        circle = error.args[1]
        kind, _, id_ = circle[0].partition(":")
        path = " -> ".join(circle)
        message = Text(en=f"conclusions depend on each other: {path}", zh=f"结论互相依赖：{path}")
        yield Problem(knowledge.place(kind, id_), message)


def strata(knowledge: Knowledge) -> list[list[str]]:
    """Return the conclusions in layers: each depends only on conclusions of earlier layers.

    Raises `graphlib.CycleError` when conclusions depend on each other in a circle.
    """
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    order = {name: i for i, (name, _) in enumerate(knowledge.conclusions())}
    for name, document in knowledge.conclusions():
        needed = (n for rule in document.evidence for n in conclusions_in(rule.when))
        sorter.add(name, *(n for n in needed if n in order))  # others are never concluded
    sorter.prepare()
    layers: list[list[str]] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=order.__getitem__)
        layers.append(ready)
        sorter.done(*ready)
    return layers
