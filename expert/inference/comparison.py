"""Comparisons over values and arrays of values, compiled to functions.

A test returns True, False, or None where the value cannot be compared (NaN, text against a number);
over many values, a quantifier is undecided while the values that cannot be compared could turn it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expert.inference.reading import Reading
from expert.knowledge.conditions import (
    AnyExpression,
    Arithmetic,
    AtLeastShare,
    Comparison,
    FactValue,
    Quantifier,
    facts_in_expression,
)
from expert.observation import Scalar

Readings = Mapping[str, Any]
Mask = NDArray[np.bool_]
#: Where a comparison holds and where it fails; neither where the value cannot be compared.
Masks = tuple[Mask, Mask]
#: (truth, positions at which it holds; None for a single value)
Verdict = tuple[bool | None, tuple[int, ...] | None]

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "above": operator.gt,
    "below": operator.lt,
    "at_least": operator.ge,
    "at_most": operator.le,
}


# ----------------------------------------------------------------------- expressions
def evaluate_expression(expression: AnyExpression, readings: Readings) -> float | None:
    """Return the number an expression stands for, None when a fact in it is unknown."""
    match expression:
        case FactValue():
            reading = readings.get(expression.fact)
            return _number(reading.scalar) if isinstance(reading, Reading) else None
        case Arithmetic():
            values = [evaluate_expression(part, readings) for part in expression.operands]
            numbers = [value for value in values if value is not None]
            if len(numbers) < len(values):
                return None
            return _number(_calculate(expression.operation, numbers))
    return float(expression)


def _calculate(operation: str, values: list[float]) -> float:
    """Return the result, NaN where there is none."""
    match operation:
        case "times":
            return math.prod(values)
        case "plus":
            return sum(values)
        case "minus":
            return values[0] - values[1]
        case "over":
            return values[0] / values[1] if values[1] else math.nan
        case "log":
            return math.log(values[0]) if values[0] > 0 else math.nan
    return abs(values[0])


def _number(value: Scalar | None) -> float | None:
    if value is None or isinstance(value, (bool, str)):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf if value > 0 else -math.inf
    return None if math.isnan(number) else number


# ----------------------------------------------------------------------- comparisons
def needs_other_facts(comparison: Comparison) -> bool:
    """Return whether a comparison's right-hand side reads facts."""
    return any(
        True for value in comparison.comparisons.values() for _ in facts_in_expression(value)
    )


def scalar_test(comparison: Comparison, readings: Readings) -> Callable[[Scalar], bool | None]:
    """Return the test of one value; its right-hand sides are computed from `readings` now."""
    tests = [
        _scalar_comparison(name, value, readings) for name, value in comparison.comparisons.items()
    ]
    if len(tests) == 1:
        return tests[0]

    def test(value: Scalar) -> bool | None:
        results = [one(value) for one in tests]
        if False in results:
            return False
        return None if None in results else True

    return test


def _scalar_comparison(
    name: str, expected: Any, readings: Readings
) -> Callable[[Scalar], bool | None]:
    if name in _ORDER:
        return _ordered(_ORDER[name], evaluate_expression(expected, readings))
    wanted = expected if isinstance(expected, list) else [expected]
    positive = name in ("is_", "in_")

    def equal(value: Scalar) -> bool | None:
        if isinstance(value, float) and math.isnan(value):
            return None
        return any(_same(value, item) for item in wanted) is positive

    return equal


def _ordered(
    compare: Callable[[Any, Any], Any], bound: float | None
) -> Callable[[Scalar], bool | None]:
    def ordered(value: Scalar) -> bool | None:
        number = _number(value)
        return None if number is None or bound is None else bool(compare(number, bound))

    return ordered


def _same(value: Scalar, wanted: Scalar) -> bool:
    """Return equality in which True is not 1 and 1 is 1.0."""
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def masks(comparison: Comparison, values: NDArray[Any], readings: Readings) -> Masks:
    """Return where the comparison holds and where it fails."""
    holds, fails = np.ones(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    for name, expected in comparison.comparisons.items():
        true, false = _masks_of_one(name, expected, values, readings)
        holds &= true
        fails |= false
    return holds, fails


def _masks_of_one(name: str, expected: Any, values: NDArray[Any], readings: Readings) -> Masks:
    if name not in _ORDER or values.dtype == object:
        test = _scalar_comparison(name, expected, readings)
        results = [test(value) for value in values.tolist()]
        return (
            np.array([result is True for result in results], dtype=bool),
            np.array([result is False for result in results], dtype=bool),
        )
    bound = evaluate_expression(expected, readings)
    if bound is None or values.dtype == bool:
        nowhere = np.zeros(len(values), dtype=bool)
        return nowhere, nowhere
    true = _ORDER[name](values, bound)
    return true, ~true & ~np.isnan(values)


def quantified(masks: Masks, quantifier: Quantifier | None) -> Verdict:
    """Return the verdict over all positions; over no position at all nothing is known."""
    holds = masks[0]
    if not len(holds):
        return None, None
    match quantifier:
        case "first":
            return _at(0, masks), (0,)
        case "last":
            return _at(len(holds) - 1, masks), (len(holds) - 1,)
        case "none":
            some = _decided(masks, _enough("any", len(holds)))
            return None if some is None else not some, tuple(range(len(holds)))
    positions = tuple(np.flatnonzero(holds).tolist())
    return _decided(masks, _enough(quantifier, len(holds))), positions


def _at(position: int, masks: Masks) -> bool | None:
    holds, fails = masks
    return bool(holds[position]) if holds[position] or fails[position] else None


def _enough(quantifier: Quantifier | None, total: int) -> Callable[[int], bool]:
    """Return whether a comparison that holds at so many of `total` positions satisfies it."""
    match quantifier:
        case AtLeastShare():
            return lambda count: count / total >= quantifier.share
        case "all":
            return lambda count: count == total
        case "most":
            return lambda count: count > 0.5 * total
    return lambda count: count > 0


def _decided(masks: Masks, enough: Callable[[int], bool]) -> bool | None:
    """Return the verdict if it is the same whatever the undecided positions hold."""
    holds, fails = masks
    if enough(int(holds.sum())):
        return True
    return None if enough(len(fails) - int(fails.sum())) else False
