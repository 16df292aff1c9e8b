"""Does somebody provide each fact, and does somebody use it?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import FactType
from expert.language import Text
from expert.lint.coded import CODES, Remark
from expert.lint.walking import facts_used


@dataclass(frozen=True, slots=True)
class Provider:
    """What gives facts, as the linter sees it: a probe, the trials, a log, or a watched run."""

    facts: frozenset[str]  # that it may give
    needs: frozenset[str] = frozenset()  # what a case must have for a probe to run
    told: bool = False  # whether reports tell its facts whether or not a rule uses them
    alone: bool = False  # whether a diagnosis may rest on it and nothing else


#: By inquiry ("probe:loss", "log:curves", ...); None when it is not known what they provide.
Providers = Mapping[str, Provider] | None


def on_facts(knowledge: Knowledge, providers: Providers) -> Iterator[Remark]:
    """Yield remarks on facts that nobody provides or uses."""
    used = facts_used(knowledge).union(*(p.facts for p in (providers or {}).values() if p.told))
    answers = answered(knowledge)
    for name, fact in knowledge.facts.items():
        for code, message in _wrong(fact, used, answers, providers):
            yield Remark(knowledge.place("fact", name), CODES[code], message)


def obtainable(knowledge: Knowledge, providers: Providers) -> set[str]:
    """Return the facts that some question sets, or some inquiry provides."""
    found = {name for names in answered(knowledge).values() for name in names}
    for name, fact in knowledge.facts.items():
        if providers is None and not fact.inquiry.startswith("question:"):
            found.add(name)
    return found.union(*(provider.facts for provider in (providers or {}).values()))


def answered(knowledge: Knowledge) -> dict[str, set[str]]:
    """Return the facts that each question may set."""
    return {
        id_: {name for choice in question.choices for name in choice.sets}
        for id_, question in knowledge.questions.items()
    }


def _wrong(
    fact: FactType, used: Collection[str], answers: Mapping[str, set[str]], providers: Providers
) -> Iterator[tuple[str, Text]]:
    name = fact.fact
    kind, _, id_ = fact.inquiry.partition(":")
    if kind == "question":
        if name not in answers.get(id_, ()):
            yield (
                "not-asked",
                Text(
                    en=f"no answer to a question '{id_}' sets {name}",
                    zh=f"问题“{id_}”没有任何答案设置 {name}",
                ),
            )
        if name not in used:
            yield (
                "unused-answer",
                Text(en=f"nothing uses the answer {name}", zh=f"答案 {name} 无人使用"),
            )
        return
    providing = [inquiry for inquiry, own in (providers or {}).items() if name in own.facts]
    if providers is not None and fact.inquiry not in providing:
        yield _from_elsewhere(fact, providing)
    if name not in used:
        yield "unused-fact", Text(en=f"nothing uses {name}", zh=f"{name} 没有被任何地方使用")


def _from_elsewhere(fact: FactType, providing: list[str]) -> tuple[str, Text]:
    name, said = fact.fact, fact.inquiry
    if providing:
        return "wrong-inquiry", Text(
            en=f"{name} comes from {providing[0]}, not from {said}",
            zh=f"{name} 来自 {providing[0]}，而不是 {said}",
        )
    return "not-measured", Text(en=f"{said} does not provide {name}", zh=f"{said} 并不提供 {name}")
