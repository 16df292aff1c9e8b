"""What conditions on one fact amount to, decided at the few values where their truth can change.

A comparison with constants changes its truth only at the constants. So it is enough to try these,
what lies between them and what lies beyond; for a text or flag, the values it can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from expert.knowledge.conditions import (
    All,
    Any_,
    AnyCondition,
    Comparison,
    None_,
    OnFact,
    leaves,
    parts,
)
from expert.knowledge.schema import FactType

Scalar = bool | int | float | str
Facts = Mapping[str, FactType]

_SOMETHING_ELSE = "\0"  # a text that no rule names


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that leaves of a condition share: of a fact, or of its first or last layer."""

    fact: str
    quantifier: Any
    leaf: int = 0  # per-layer comparisons may be about different layers, so each stands alone


def variable(leaf: OnFact) -> Variable | None:
    """Return what a comparison is about; None for `for: none`, which turns its meaning round."""
    if leaf.for_ == "none":
        return None
    shared = leaf.for_ in (None, "first", "last")
    return Variable(leaf.fact, leaf.for_, 0 if shared else id(leaf))


def settled(condition: AnyCondition, facts: Facts) -> tuple[Variable, bool] | None:
    """Return (variable, truth) when the condition is true, or false, whatever its value."""
    about: dict[Variable, list[OnFact]] = {}
    for leaf in leaves(condition):
        if isinstance(leaf, OnFact) and (key := variable(leaf)):
            about.setdefault(key, []).append(leaf)
    for key, own in about.items():
        found = {_truth(condition, key, value) for value in critical(own, facts[key.fact])}
        if found in ({True}, {False}):
            return key, found.pop() is True
    return None


def critical(comparisons: Iterable[Comparison], fact: FactType) -> list[Scalar]:
    """Return values of the fact such that any two between which truth changes are told apart."""
    constants = [value for comparison in comparisons for value in _constants(comparison)]
    if fact.type == "flag":
        return [True, False]
    if fact.type == "text":
        named = [value for value in constants if isinstance(value, str)]
        return list(fact.values or [*dict.fromkeys(named), _SOMETHING_ELSE])
    numbers = sorted({float(value) for value in constants if _is_number(value)})
    if not numbers:
        return [0.0]
    between = [(low + high) / 2 for low, high in pairwise(numbers)]
    spread = 1.0 + abs(numbers[0]) + abs(numbers[-1])
    values = [numbers[0] - spread, *numbers, *between, numbers[-1] + spread]
    return list(dict.fromkeys(_whole(values))) if fact.type == "integer" else list(values)


def _whole(values: Iterable[float]) -> Iterator[Scalar]:
    for value in values:
        floor = value // 1
        yield from (floor - 1, floor, floor + 1)


def _constants(comparison: Comparison) -> Iterator[Scalar]:
    for value in comparison.comparisons.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (bool, int, float, str)):
                yield item


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _truth(condition: AnyCondition, key: Variable, value: Scalar) -> bool | None:
    """Return the truth when only this variable is known (Kleene's three values)."""
    match condition:
        case All() | Any_() | None_():
            inner = [_truth(part, key, value) for part in parts(condition)]
            if isinstance(condition, All):
                return False if False in inner else (None if None in inner else True)
            found = True if True in inner else (None if None in inner else False)
            return found if isinstance(condition, Any_) or found is None else not found
        case OnFact() if variable(condition) == key:
            return holds(condition, value)
    return None


def holds(comparison: Comparison, value: Scalar) -> bool | None:
    """Return whether the value satisfies all comparisons; None if that takes other facts."""
    found = [_compare(name, value, with_) for name, with_ in comparison.comparisons.items()]
    return False if False in found else (None if None in found else True)


def _compare(name: str, value: Scalar, with_: Any) -> bool | None:
    match name:
        case "is_":
            return bool(value == with_)
        case "is_not":
            return bool(value != with_)
        case "in_":
            return value in with_
        case "not_in":
            return value not in with_
    if not (_is_number(value) and _is_number(with_)):
        return None
    orderings = {
        "above": value > with_,
        "below": value < with_,
        "at_least": value >= with_,
        "at_most": value <= with_,
    }
    return bool(orderings[name])


# ----------------------------------------------------------------------------- implication
def implies(one: AnyCondition, other: AnyCondition, facts: Facts) -> bool:
    """Whether `other` certainly holds whenever `one` does. False when that cannot be told."""
    if one == other:
        return True
    if isinstance(other, All):
        return all(implies(one, part, facts) for part in other.all)
    if isinstance(one, Any_):
        return all(implies(part, other, facts) for part in one.any)
    if isinstance(other, Any_) and any(implies(one, part, facts) for part in other.any):
        return True
    if isinstance(one, All):
        return any(implies(part, other, facts) for part in one.all)
    if isinstance(one, OnFact) and isinstance(other, OnFact):
        return _comparison_implies(one, other, facts)
    return False


def _comparison_implies(one: OnFact, other: OnFact, facts: Facts) -> bool:
    if (one.fact, one.for_) != (other.fact, other.for_) or one.for_ == "none":
        return False
    values = critical([one, other], facts[one.fact])
    return all(holds(one, value) is False or holds(other, value) is True for value in values)
