"""Do conditions compare facts with what they can be, and do rule tests give such values?"""

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
from expert.language import Text
from expert.lint.coded import CODES, Remark, about
from expert.lint.walking import Condition, conditions

_ORDERINGS = ("above", "below", "at_least", "at_most")


def on_types(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield a remark for every comparison that a fact's type or `per` rules out."""
    for condition in conditions(knowledge):
        for code, message in _wrong(knowledge, condition):
            yield Remark(condition.place, CODES[code], about(condition.owner, message))


def on_givens(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield a remark for every value in a rule test that its fact can never have."""
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        for i, test in enumerate(document.tests):
            for fact, given in test.given.items():
                wrong = _never(given, knowledge.facts[fact])
                if wrong is not None:
                    place = knowledge.place(kind, id_, ("tests", i, "given", fact))
                    yield Remark(place, CODES["wrong-type"], about(f"{id_}: {test.name}", wrong))


def _never(given: object, fact: FactType) -> Text | None:
    """Return what is wrong with the value of a fact in a rule test, or with one of its values."""
    several = list(given.values()) if isinstance(given, dict) else given
    for item in several if isinstance(several, list) else [given]:
        whole = int(item) if isinstance(item, float) and item.is_integer() else item
        if not _fits(item, fact) and not _fits(whole, fact):
            return Text(
                en=f"{fact.fact} ({fact.type}) can never be {item!r}",
                zh=f"{fact.fact}（{fact.type}）的取值不可能是 {item!r}",
            )
    return None


def _wrong(knowledge: Knowledge, condition: Condition) -> Iterator[tuple[str, Text]]:
    for leaf in leaves(condition.condition):
        if isinstance(leaf, OnFact):
            yield from _on_fact(leaf, knowledge.facts[leaf.fact])
        for name in _bounds(leaf):
            fact = knowledge.facts[name]
            if fact.per or fact.type not in ("number", "integer"):
                message = Text(en=f"{name} is not a single number", zh=f"{name} 不是单个数字")
                yield "not-a-number", message


def _bounds(leaf: AnyCondition) -> Iterator[str]:
    """Yield the facts that a comparison compares with."""
    if isinstance(leaf, Comparison):
        for value in leaf.comparisons.values():
            yield from facts_in_expression(value)


def _on_fact(leaf: OnFact, fact: FactType) -> Iterator[tuple[str, Text]]:
    name = fact.fact
    if fact.per and leaf.for_ is None:
        message = Text(
            en=f"{name} has one value per {fact.per}; say `for:` any, all, most, ...",
            zh=f"{name} 逐 {fact.per} 取值，请写 `for:` any、all、most 等",
        )
        yield "missing-quantifier", message
    if not fact.per and leaf.for_ is not None:
        message = Text(
            en=f"{name} is a single value and needs no `for:`", zh=f"{name} 只有单个值，无需 `for:`"
        )
        yield "needless-quantifier", message
    for comparison, value in leaf.comparisons.items():
        wrong = _impossible(comparison, value, fact)
        if wrong is not None:
            message = Text(
                en=f"{name} ({fact.type}) can never be compared with {wrong!r}",
                zh=f"{name}（{fact.type}）不可能与 {wrong!r} 比较",
            )
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
