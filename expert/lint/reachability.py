"""Can every rule fire? Not if it rests on what nobody provides and nothing concludes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import (
    All,
    Any_,
    AnyCondition,
    None_,
    Unknown,
    conclusions_in,
    facts_in,
)
from expert.knowledge.references import strata
from expert.knowledge.schema import Conclusion
from expert.language import Text
from expert.lint.coded import CODES, Remark
from expert.lint.facts import Providers, obtainable


def on_reachability(knowledge: Knowledge, providers: Providers) -> Iterator[Remark]:
    """Yield a remark for every rule whose condition can never become known to hold."""
    documents: dict[str, Conclusion] = dict(knowledge.conclusions())
    facts = obtainable(knowledge, providers)
    concluded: set[str] = set()
    for layer in strata(knowledge):  # what a conclusion rests on comes in an earlier layer
        for name in layer:
            kind, _, id_ = name.partition(":")
            for i, rule in enumerate(documents[name].evidence):
                if can_hold(rule.when, facts, concluded):
                    concluded.add(name)
                    continue
                place = knowledge.place(kind, id_, ("evidence", i))
                name, missing = f"{id_}/{rule.rule}", _missing(rule.when, facts)
                message = Text(
                    en=f"{name} cannot fire: it needs {missing}",
                    zh=f"{name} 无法触发：它需要 {missing}",
                )
                yield Remark(place, CODES["unreachable"], message)


def can_hold(condition: AnyCondition, facts: Collection[str], concluded: Collection[str]) -> bool:
    """Whether the condition can become known to hold with these facts and conclusions alone."""
    match condition:
        case All():
            return all(can_hold(part, facts, concluded) for part in condition.all)
        case None_():  # each part must be known not to hold
            return all(can_hold(part, facts, concluded) for part in condition.none)
        case Any_():
            return any(can_hold(part, facts, concluded) for part in condition.any)
        case Unknown():
            return True
    known = all(name in facts for name in facts_in(condition))
    return known and all(name in concluded for name in conclusions_in(condition))


def _missing(condition: AnyCondition, facts: Collection[str]) -> str:
    """Return the facts that nobody provides, or else what it rests on."""
    missing = [name for name in facts_in(condition) if name not in facts]
    return ", ".join(dict.fromkeys(missing or conclusions_in(condition)))
