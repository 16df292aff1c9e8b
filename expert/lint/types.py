"""Do conditions compare facts with what they can be?"""

from __future__ import annotations

from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import (
    AnyCondition,
    Comparison,
    OnFact,
    facts_in_expression,
    leaves,
)
from expert.knowledge.schema import FactType
from expert.lint.coded import CODES, Remark
from expert.lint.walking import Condition, conditions

_ORDERINGS = ("above", "below", "at_least", "at_most")


def on_types(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield a remark for every comparison that a fact's type or `per` rules out."""
    for condition in conditions(knowledge):
        for code, message in _wrong(knowledge, condition):
            yield Remark(condition.place, CODES[code], f"{condition.owner}: {message}")


def _wrong(knowledge: Knowledge, condition: Condition) -> Iterator[tuple[str, str]]:
    for leaf in leaves(condition.condition):
        if isinstance(leaf, OnFact):
            yield from _on_fact(leaf, knowledge.facts[leaf.fact])
        for name in _bounds(leaf):
            fact = knowledge.facts[name]
            if fact.per or fact.type not in ("number", "integer"):
                yield "not-a-number", f"{name} is not a single number"


def _bounds(leaf: AnyCondition) -> Iterator[str]:
    """Yield the facts that a comparison compares with."""
    if isinstance(leaf, Comparison):
        for value in leaf.comparisons.values():
            yield from facts_in_expression(value)


def _on_fact(leaf: OnFact, fact: FactType) -> Iterator[tuple[str, str]]:
    if fact.per and leaf.for_ is None:
        message = f"{fact.fact} has one value per {fact.per}; say `for:` any, all, most, ..."
        yield "missing-quantifier", message
    if not fact.per and leaf.for_ is not None:
        yield "needless-quantifier", f"{fact.fact} is a single value and needs no `for:`"
    for name, value in leaf.comparisons.items():
        wrong = _impossible(name, value, fact)
        if wrong is not None:
            message = f"{fact.fact} ({fact.type}) can never be compared with {wrong!r}"
            yield "wrong-type", message


def _impossible(comparison: str, value: object, fact: FactType) -> object | None:
    """Return the first compared value that the fact's type excludes."""
    if comparison in _ORDERINGS:
        return None if fact.type in ("number", "integer") else value
    for item in value if isinstance(value, list) else [value]:
        if not _fits(item, fact):
            return item
    return None


def _fits(item: object, fact: FactType) -> bool:
    match fact.type:
        case "flag":
            return isinstance(item, bool)
        case "text":
            return isinstance(item, str) and (fact.values is None or item in fact.values)
        case "integer":
            return isinstance(item, int) and not isinstance(item, bool)
    return isinstance(item, (int, float)) and not isinstance(item, bool)
