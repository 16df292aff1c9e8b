"""Conditions decided the slow and obvious way: Kleene's three values over plain Python data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from expert.observation import Value

Truth = bool | None
ORDER: dict[str, Callable[[float, float], bool]] = {
    "above": lambda a, b: a > b,
    "below": lambda a, b: a < b,
    "at_least": lambda a, b: a >= b,
    "at_most": lambda a, b: a <= b,
}


def conjunction(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def disjunction(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def negation(truth: Truth) -> Truth:
    return None if truth is None else not truth


def truth(
    condition: dict[str, Any], facts: Mapping[str, Value], certainties: Mapping[str, float]
) -> Truth:
    """Return whether a condition (as YAML gives it) holds."""
    kind = next(iter(condition))
    inside = condition[kind]
    if kind in ("all", "any", "none"):
        truths = [truth(part, facts, certainties) for part in inside]
        if kind == "none":
            return negation(disjunction(truths))
        return conjunction(truths) if kind == "all" else disjunction(truths)
    if kind in ("known", "unknown"):
        return (inside in facts) is (kind == "known")
    if kind in ("symptom", "cause"):
        certainty = certainties.get(f"{kind}:{inside}")
        return None if certainty is None else certainty >= condition.get("at_least", 0.2)
    value = facts.get(inside) if kind == "fact" else number(inside, facts)
    comparisons = {k: v for k, v in condition.items() if k not in ("fact", "value", "for")}
    others = [v["fact"] for v in comparisons.values() if isinstance(v, dict)]
    if value is None or any(name not in facts for name in others):
        return None
    if not isinstance(value, tuple):
        return comparison(value, comparisons, facts)
    return quantified([comparison(v, comparisons, facts) for v in value], condition.get("for"))


def number(expression: Any, facts: Mapping[str, Value]) -> float | None:
    if not isinstance(expression, dict):
        return float(expression)
    (operation, inside), *_ = expression.items()
    if operation == "fact":
        value = facts.get(inside)
        return None if isinstance(value, (bool, str, tuple)) or value is None else float(value)
    operands = [number(part, facts) for part in inside]
    if None in operands:
        return None
    first, second = operands
    assert first is not None
    assert second is not None
    if operation == "over":
        return first / second if second else None
    return {"times": first * second, "plus": first + second, "minus": first - second}[operation]


def comparison(value: Any, comparisons: dict[str, Any], facts: Mapping[str, Value]) -> Truth:
    return conjunction([_one(value, name, other, facts) for name, other in comparisons.items()])


def _one(value: Any, name: str, other: Any, facts: Mapping[str, Value]) -> Truth:
    if isinstance(value, float) and math.isnan(value):
        return None
    if name in ORDER:
        bound = number(other, facts)
        if isinstance(value, (bool, str)) or bound is None or math.isnan(bound):
            return None
        return ORDER[name](value, bound)
    wanted = other if isinstance(other, list) else [other]
    equal = any(isinstance(w, bool) is isinstance(value, bool) and w == value for w in wanted)
    return equal is (name in ("is", "in"))


def quantified(truths: list[Truth], quantifier: Any) -> Truth:
    """Return what holds however the unknown ones turn out, None if that differs."""
    if not truths:
        return None
    low = _counted([t is True for t in truths], quantifier)
    high = _counted([t is not False for t in truths], quantifier)
    return low if low == high else None


def _counted(truths: list[bool], quantifier: Any) -> bool:
    count, total = sum(truths), len(truths)
    match quantifier:
        case "all":
            return count == total
        case "most":
            return 2 * count > total
        case "none":
            return count == 0
        case "first":
            return truths[0]
        case "last":
            return truths[-1]
        case {"share": share}:
            return bool(count / total >= share)
    return count > 0
