"""Does somebody provide each fact, and does somebody use it?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import FactType
from expert.lint.coded import CODES, Remark
from expert.lint.walking import facts_used


@dataclass(frozen=True, slots=True)
class Provider:
    """A probe as the linter sees it."""

    facts: frozenset[str]  # that it may give
    needs: frozenset[str]  # what a case must have for it to run


#: The probes by id; None when it is not known what they provide.
Probes = Mapping[str, Provider] | None


def on_facts(knowledge: Knowledge, probes: Probes) -> Iterator[Remark]:
    """Yield remarks on facts that nobody provides or uses."""
    used = facts_used(knowledge)
    answers = _answers(knowledge)
    for name, fact in knowledge.facts.items():
        for code, message in _wrong(fact, used, answers, probes):
            yield Remark(knowledge.place("fact", name), CODES[code], message)


def obtainable(knowledge: Knowledge, probes: Probes) -> set[str]:
    """Return the facts that some question sets, some probe provides, or a trial will."""
    found = {name for names in _answers(knowledge).values() for name in names}
    for name, fact in knowledge.facts.items():
        if probes is None and not fact.inquiry.startswith("question:"):
            found.add(name)
    return found.union(*(probe.facts for probe in (probes or {}).values()))


def _answers(knowledge: Knowledge) -> dict[str, set[str]]:
    """Return the facts that each question may set."""
    return {
        id_: {name for choice in question.choices for name in choice.sets}
        for id_, question in knowledge.questions.items()
    }


def _wrong(
    fact: FactType, used: Collection[str], answers: Mapping[str, set[str]], probes: Probes
) -> Iterator[tuple[str, str]]:
    name = fact.fact
    kind, _, id_ = fact.inquiry.partition(":")
    if kind == "question":
        if name not in answers.get(id_, ()):
            yield "not-asked", f"no answer to a question '{id_}' sets {name}"
        if name not in used:
            yield "unused-answer", f"nothing uses the answer {name}"
        return
    providing = [probe for probe, own in (probes or {}).items() if name in own.facts]
    if probes is not None and id_ not in providing:
        if providing:
            message = f"{name} comes from probe:{providing[0]}, not from {fact.inquiry}"
            yield "wrong-inquiry", message
        else:
            yield "not-measured", f"{fact.inquiry} does not provide {name} yet"
    if name not in used:
        yield "unused-fact", f"nothing uses {name}"
