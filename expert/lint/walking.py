"""Everything in the knowledge that is looked at in the same way: its conditions and its texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import AnyCondition, facts_in
from expert.knowledge.reader import Place
from expert.knowledge.schema import Bilingual, Cause, Question
from expert.template import names_in, names_in_code

Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, what it belongs to ("CAUSE/RULE"), and where it is written."""

    owner: str
    condition: AnyCondition
    knowledge: Knowledge
    at: tuple[str, str]
    loc: Loc

    @property
    def place(self) -> Place:
        """Where it is written (looked up only when wanted: that takes a while)."""
        return self.knowledge.place(*self.at, self.loc)


@dataclass(frozen=True, slots=True)
class Words:
    """A text, what it belongs to, where it is written, and the condition under which it is told."""

    owner: str
    text: Bilingual
    knowledge: Knowledge
    at: tuple[str, str]
    loc: Loc
    condition: AnyCondition | None = None

    @property
    def place(self) -> Place:
        """Where it is written."""
        return self.knowledge.place(*self.at, self.loc)


def conditions(knowledge: Knowledge) -> Iterator[Condition]:
    """Yield the conditions of all rules, questions, links and fixes."""
    for id_, question in knowledge.questions.items():
        if question.when:
            yield Condition(id_, question.when, knowledge, ("question", id_), ("when",))
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        for i, rule in enumerate(document.evidence):
            loc: Loc = ("evidence", i, "when")
            yield Condition(f"{id_}/{rule.rule}", rule.when, knowledge, (kind, id_), loc)
        if isinstance(document, Cause):
            yield from _of_cause(knowledge, document)


def _of_cause(knowledge: Knowledge, cause: Cause) -> Iterator[Condition]:
    at = ("cause", cause.id)
    for i, link in enumerate(cause.links):
        if link.when:
            owner = f"{cause.id} -> {link.cause}"
            yield Condition(owner, link.when, knowledge, at, ("produces", i, "when"))
    for i, fix in enumerate(cause.fixes):
        if fix.when:
            owner = f"{cause.id}/{fix.fix}"
            yield Condition(owner, fix.when, knowledge, at, ("fixes", i, "when"))


def texts(knowledge: Knowledge) -> Iterator[Words]:
    """Yield every text that a user may read."""
    for id_, fact in knowledge.facts.items():
        yield Words(id_, fact.meaning, knowledge, ("fact", id_), ("meaning",))
    for question in knowledge.questions.values():
        yield from _of_question(knowledge, question)
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        at = (kind, id_)
        yield Words(id_, document.title, knowledge, at, ("title",))
        yield Words(id_, document.explanation, knowledge, at, ("explanation",))
        for i, rule in enumerate(document.evidence):
            owner, loc = f"{id_}/{rule.rule}", ("evidence", i, "reason")
            yield Words(owner, rule.reason, knowledge, at, loc, rule.when)
        for i, fix in enumerate(document.fixes if isinstance(document, Cause) else ()):
            for part in ("title", "instructions", "verify"):
                owner, loc = f"{id_}/{fix.fix}", ("fixes", i, part)
                yield Words(owner, getattr(fix, part), knowledge, at, loc, fix.when)


def _of_question(knowledge: Knowledge, question: Question) -> Iterator[Words]:
    id_, at = question.question, ("question", question.question)
    yield Words(id_, question.text, knowledge, at, ("text",))
    yield Words(id_, question.why, knowledge, at, ("why",))
    for i, choice in enumerate(question.choices):
        yield Words(f"{id_}/{choice.answer}", choice.text, knowledge, at, ("choices", i, "text"))


def facts_used(knowledge: Knowledge) -> set[str]:
    """Return the facts that some condition, text, snippet or `locate` uses."""
    used = {name for each in conditions(knowledge) for name in facts_in(each.condition)}
    for words in texts(knowledge):
        used.update(names_in(words.text.en), names_in(words.text.zh))
    for cause in knowledge.causes.values():
        used.update(cause.locate)
        for fix in cause.fixes:
            used.update(names_in_code(fix.code or ""))
    return used
