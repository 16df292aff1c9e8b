"""Conditions written out in one line each, the same in every language."""

from __future__ import annotations

from typing import Any

from expert.knowledge.conditions import (
    All,
    Any_,
    AnyCondition,
    AnyExpression,
    Arithmetic,
    AtLeastShare,
    Comparison,
    FactValue,
    Known,
    None_,
    OnCause,
    OnFact,
    OnSymptom,
    OnValue,
    Unknown,
)
from expert.template import number

_SIGNS = {
    "is_": "=",
    "is_not": "≠",
    "in_": "∈",
    "not_in": "∉",
    "above": ">",
    "below": "<",
    "at_least": "≥",
    "at_most": "≤",
}
_OPERATIONS = {"times": " × ", "plus": " + ", "minus": " − ", "over": " / "}


def in_words(condition: AnyCondition) -> str:
    """Return a condition as a line: "activation.dead_share[any] ≥ 0.9"; groups by their name."""
    match condition:
        case OnFact():
            return f"{condition.fact}{_quantifier(condition)}{_comparisons(condition)}"
        case OnValue():
            return f"{_expression(condition.value)}{_comparisons(condition)}"
        case Known():
            return f"{condition.known} known"
        case Unknown():
            return f"{condition.unknown} unknown"
        case OnSymptom():
            return f"symptom:{condition.symptom} ≥ {number(condition.at_least)}"
        case OnCause():
            return f"cause:{condition.cause} ≥ {number(condition.at_least)}"
        case All():
            return "all"
        case Any_():
            return "any"
        case None_():
            return "none"


def _quantifier(condition: OnFact) -> str:
    if condition.for_ is None:
        return ""
    if isinstance(condition.for_, AtLeastShare):
        return f"[≥ {100 * condition.for_.share:g} %]"
    return f"[{condition.for_}]"


def _comparisons(comparison: Comparison) -> str:
    compared = comparison.comparisons.items()
    return " " + ", ".join(f"{_SIGNS[name]} {_operand(value)}" for name, value in compared)


def _operand(value: Any) -> str:
    if isinstance(value, list):
        return "{" + ", ".join(map(str, value)) + "}"
    if isinstance(value, (bool, str)):
        return str(value)
    return _expression(value)


def _expression(expression: AnyExpression) -> str:
    match expression:
        case FactValue():
            return expression.fact
        case Arithmetic():
            inner = [_expression(part) for part in expression.operands]
            joined = _OPERATIONS.get(expression.operation)
            if joined is None:
                return f"{expression.operation}({inner[0]})"
            return "(" + joined.join(inner) + ")"
    return number(expression)
