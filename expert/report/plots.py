"""Values of a diagnosis as small SVG pictures: bars per layer or class, curves over a number.

Pictures carry their own text, take their colours from CSS classes of the page, and escape every
name of the user's.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from expert.observation import Observation
from expert.template import number

_ROWS = 40
_ROW_HEIGHT = 18
_NAME_WIDTH = 190
_BAR_WIDTH = 330
_VALUE_WIDTH = 90
_WIDTH = _NAME_WIDTH + _BAR_WIDTH + _VALUE_WIDTH
_NAME_LENGTH = 28
_LOG_ABOVE = 100.0
"""Bars are drawn on a logarithmic scale when the largest value is this many times the smallest."""

_CURVE_HEIGHT = 160
_MARGIN = 44


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value lies between 0 and 1."""

    low: float
    high: float
    log: bool

    @classmethod
    def over(cls, values: Collection[float], *, from_zero: bool) -> _Scale:
        positive = [value for value in values if value > 0]
        all_positive = len(positive) == len(values)
        if all_positive and max(positive) > _LOG_ABOVE * min(positive):
            low = math.log10(min(positive)) - (0.3 if from_zero else 0)
            return cls(low, math.log10(max(positive)), log=True)
        low = min(0.0, *values) if from_zero else min(values)
        return cls(low, max(values), log=False)

    def at(self, value: float) -> float:
        place = math.log10(value) if self.log else value
        span = self.high - self.low
        return (place - self.low) / span if span > 0 else 0.5


def picture(fact: Observation, marked: Collection[str] = ()) -> Markup:
    """Return a picture of a fact with several numbers; `marked` names stand out. Else nothing.

    Names that are all numbers (rates, steps) make a curve, others (layers, classes) bars.
    """
    pairs = _numbers(fact)
    if len(pairs) < 2:
        return Markup("")
    positions = _positions([name for name, _ in pairs])
    if positions is not None and len(pairs) > 2:
        return _curve(positions, [value for _, value in pairs])
    return _bars(pairs, marked)


def _numbers(fact: Observation) -> list[tuple[str, float]]:
    if not isinstance(fact.value, tuple) or any(isinstance(v, (bool, str)) for v in fact.value):
        return []
    return [(name, float(value)) for name, value in zip(fact.where, fact.value, strict=True)]


def _positions(names: list[str]) -> list[float] | None:
    """Return the names as numbers that rise, or None: class names 0 to 9 are no axis."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return None
    rising = all(a < b for a, b in pairwise(numbers))
    classes = numbers == [float(i) for i in range(len(numbers))]
    return numbers if rising and not classes and all(map(math.isfinite, numbers)) else None


def _bars(pairs: list[tuple[str, float]], marked: Collection[str]) -> Markup:
    finite = [value for _, value in pairs if math.isfinite(value)]
    if not finite:
        return Markup("")
    scale = _Scale.over(finite, from_zero=True)
    shown = _most_telling(pairs, marked)
    rows = [_bar(i, name, value, scale, name in marked) for i, (name, value) in enumerate(shown)]
    left_out = len(pairs) - len(shown)
    height = _ROW_HEIGHT * (len(shown) + (1 if left_out else 0)) + 4
    if left_out:
        rows.append(
            Markup('<text class="name" x="{}" y="{}" text-anchor="end">+{}</text>').format(
                _NAME_WIDTH - 8, height - 8, left_out
            )
        )
    return _svg(height, Markup("").join(rows))


def _most_telling(
    pairs: list[tuple[str, float]], marked: Collection[str]
) -> list[tuple[str, float]]:
    """Return at most `_ROWS` pairs in their order, the marked ones first of all."""
    if len(pairs) <= _ROWS:
        return pairs
    order = sorted(range(len(pairs)), key=lambda i: (pairs[i][0] not in marked, i))
    return [pairs[i] for i in sorted(order[:_ROWS])]


def _bar(row: int, name: str, value: float, scale: _Scale, is_marked: bool) -> Markup:
    y = row * _ROW_HEIGHT
    share = scale.at(value) if math.isfinite(value) else 1.0
    kind = "marked" if is_marked else "plain"
    short = name if len(name) <= _NAME_LENGTH else "…" + name[1 - _NAME_LENGTH :]
    return Markup(
        '<g><title>{name}: {value}</title><text class="name" x="{name_end}" y="{base}" '
        'text-anchor="end">{short}</text><rect class="{kind}" x="{start}" y="{top}" '
        'width="{width:.1f}" height="{height}" rx="2"/><text class="value" x="{value_start:.1f}" '
        'y="{base}">{value}</text></g>'
    ).format(
        name=name,
        short=short,
        value=number(value),
        kind=kind,
        name_end=_NAME_WIDTH - 8,
        start=_NAME_WIDTH,
        top=y + 3,
        base=y + 13,
        height=_ROW_HEIGHT - 6,
        width=max(1.0, share * _BAR_WIDTH),
        value_start=_NAME_WIDTH + max(1.0, share * _BAR_WIDTH) + 6,
    )


def _curve(x: list[float], y: list[float]) -> Markup:
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(b)]
    if len(points) < 2:
        return Markup("")
    across = _Scale.over([a for a, _ in points], from_zero=False)
    up = _Scale.over([b for _, b in points], from_zero=False)
    width, height = _WIDTH - 2 * _MARGIN, _CURVE_HEIGHT - 2 * 18
    line = " ".join(
        f"{_MARGIN + across.at(a) * width:.1f},{18 + (1 - up.at(b)) * height:.1f}"
        for a, b in points
    )
    bottom = _CURVE_HEIGHT - 4
    label = Markup('<text class="value" x="{}" y="{}" text-anchor="{}">{}</text>')
    lowest, highest = min(b for _, b in points), max(b for _, b in points)
    return _svg(
        _CURVE_HEIGHT,
        Markup('<polyline class="curve" points="{}"/>').format(line)
        + label.format(_MARGIN, bottom, "middle", number(points[0][0]))
        + label.format(_WIDTH - _MARGIN, bottom, "middle", number(points[-1][0]))
        + label.format(_MARGIN - 6, 22, "end", number(highest))
        + label.format(_MARGIN - 6, _CURVE_HEIGHT - 18, "end", number(lowest)),
    )


def _svg(height: int, content: Markup) -> Markup:
    return Markup(
        '<svg class="plot" role="img" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg">{}'
        "</svg>"
    ).format(_WIDTH, height, content)
