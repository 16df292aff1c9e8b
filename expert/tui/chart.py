"""Curves drawn with the dots of braille characters: two columns and four rows of dots per cell.

Made of styled text in the colours of the theme, so that a chart needs no library of its own, can be
selected like text, follows the language, and stays legible without colour: each curve has a dash of
its own, and the legend shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from textual.content import Content

from expert.template import number
from expert.tui.sessions.curves import Point

MUTED: Final = "$foreground 60%"
_FAINT: Final = "$foreground 30%"
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # by column, then row
_BLANK: Final = 0x2800
_DASHES: Final = (1, 2, 3)  # every n-th dot of the first, second and third curve
_LOG: Final = "log"  # beside an axis that is logarithmic
_LEAST_WIDTH: Final = 16
_DECADES: Final = 100.0  # a span of values beyond which a logarithmic axis shows more


@dataclass(frozen=True, slots=True)
class Line:
    """A curve to be drawn: its points, its name in the legend and its colour."""

    points: Sequence[Point]
    name: str = ""
    style: str = "$primary"


class Canvas:
    """Dots on a grid of `width` x `height` cells."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [[0] * width for _ in range(height)]
        self._styles: list[list[str]] = [[""] * width for _ in range(height)]

    def dot(self, x: int, y: int, style: str) -> None:
        """Set the dot at column `x` from the left and row `y` from the top."""
        if 0 <= x < 2 * self.width and 0 <= y < 4 * self.height:
            self._bits[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
            self._styles[y // 4][x // 2] = style

    def line(self, start: tuple[int, int], end: tuple[int, int], style: str, every: int) -> None:
        """Draw a straight line; only every n-th column of dots."""
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for i in range(steps + 1):
            x = x0 + round(i * (x1 - x0) / steps)
            if every == 1 or (x // 2) % every == 0:
                self.dot(x, y0 + round(i * (y1 - y0) / steps), style)

    def rows(self) -> Iterator[Content]:
        """Yield the rows of characters, from the top."""
        for bits, styles in zip(self._bits, self._styles, strict=True):
            parts: list[str | tuple[str, str]] = [
                (chr(_BLANK + b), style) if b else " "
                for b, style in zip(bits, styles, strict=True)
            ]
            yield Content.assemble(*parts)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    logarithmic: bool

    def share(self, value: float) -> float:
        """Return where `value` stands between the ends, 0 to 1; beyond them it is cut off."""
        if self.logarithmic:
            value = max(value, self.low)
            span = math.log(self.high) - math.log(self.low)
            share = (math.log(value) - math.log(self.low)) / span if span else 0.5
        else:
            span = self.high - self.low
            share = (value - self.low) / span if span else 0.5
        return min(1.0, max(0.0, share))


def chart(
    lines: Sequence[Line],
    width: int,
    height: int,
    *,
    x_name: str = "",
    log_x: bool = False,
    log_y: bool | None = None,
    marks: Sequence[tuple[float, str, str]] = (),
    band: tuple[Sequence[Point], Sequence[Point]] | None = None,
) -> list[Content]:
    """Return a chart of `height` rows: the legend, the curves, the horizontal axis.

    `band`: two curves between which the field is dotted: how far chance makes them differ.
    `log_y` None: logarithmic when the values span more than two decades. `marks`: places on the
    horizontal axis as (x, label, style). Values that are not finite break a curve; where one does,
    a cross stands at the top. Nothing to draw gives no rows.
    """
    finite = [p for line in lines for p in line.points if _is_finite(p)]
    finite += [p for edge in band or () for p in edge if _is_finite(p)]
    if not finite or width < _LEAST_WIDTH or height < 4:
        return []
    y_axis = _axis([y for _, y in finite], log_y)
    steps = [x for line in lines for x, _ in line.points if math.isfinite(x)]
    x_axis = _axis([*steps, *(x for x, _, _ in marks)], log_x)
    labels = [number(y_axis.high), number(y_axis.low)]
    if y_axis.logarithmic:
        labels.append(_LOG)
    margin = max(map(len, labels)) + 1
    legend = _legend(lines)
    named = [Content.assemble(" " * margin, legend)] if legend.plain else []
    below = [*_mark_labels(marks, x_axis, margin, width), _x_labels(x_axis, margin, width, x_name)]
    canvas = Canvas(width - margin - 1, max(height - len(named) - len(below), 1))
    for x, _, style in marks:
        _mark(canvas, x_axis.share(x), style)
    if band is not None:
        _fill(canvas, band, x_axis, y_axis)
    for dash, line in zip(_endless(_DASHES), lines, strict=False):
        _draw(canvas, line, x_axis, y_axis, dash)
    body = list(_with_scale(canvas.rows(), labels, margin))
    return [*named, *body, *below]


def sketch(lines: Sequence[Line], width: int, height: int) -> list[Content]:
    """Return a small drawing without axes; x and y run from 0 to 1."""
    canvas = Canvas(width, height)
    for dash, line in zip(_endless(_DASHES), lines, strict=False):
        _draw(canvas, line, _Axis(0, 1, False), _Axis(0, 1, False), dash)
    return list(canvas.rows())


def _endless(items: Sequence[int]) -> Iterator[int]:
    yield from items
    while True:
        yield items[-1]


def _is_finite(point: Point) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _axis(values: Sequence[float], logarithmic: bool | None) -> _Axis:
    low, high = min(values), max(values)
    if logarithmic is None:
        logarithmic = low > 0 and high / low > _DECADES
    if logarithmic and low <= 0:
        positive = [value for value in values if value > 0]
        low = min(positive, default=1.0)
        high = max(high, low)
    if low == high:
        pad = abs(low) * 0.5 or 1.0
        low, high = (low / 2, high * 2) if logarithmic else (low - pad, high + pad)
    return _Axis(low, high, logarithmic)


def _draw(canvas: Canvas, line: Line, x_axis: _Axis, y_axis: _Axis, every: int) -> None:
    right, bottom = 2 * canvas.width - 1, 4 * canvas.height - 1
    last: tuple[int, int] | None = None
    for point in line.points:
        if not math.isfinite(point[0]):
            continue
        x = round(x_axis.share(point[0]) * right)
        if not math.isfinite(point[1]):
            if last is not None:
                _cross(canvas, x)
            last = None
            continue
        here = x, bottom - round(y_axis.share(point[1]) * bottom)
        canvas.line(last or here, here, line.style, every)
        last = here


def _fill(
    canvas: Canvas, band: tuple[Sequence[Point], Sequence[Point]], x_axis: _Axis, y_axis: _Axis
) -> None:
    """Dot what lies between two curves, as far as both go."""
    right, bottom = 2 * canvas.width - 1, 4 * canvas.height - 1
    edges = [
        _heights([(x_axis.share(x) * right, bottom - y_axis.share(y) * bottom) for x, y in edge])
        for edge in ([p for p in edge if _is_finite(p)] for edge in band)
    ]
    for x in sorted(edges[0].keys() & edges[1].keys()):
        top, low = sorted((edges[0][x], edges[1][x]))
        for y in range(top, low + 1):
            if (x + y) % 2 == 0:
                canvas.dot(x, y, MUTED)


def _heights(points: Sequence[Point]) -> dict[int, int]:
    """Return the row of dots of a curve at each column that it passes."""
    rows: dict[int, int] = {}
    for (x0, y0), (x1, y1) in pairwise(points):
        for x in range(math.ceil(x0), math.floor(x1) + 1):
            share = (x - x0) / (x1 - x0) if x1 > x0 else 0.0
            rows[x] = round(y0 + share * (y1 - y0))
    return rows


def _cross(canvas: Canvas, x: int) -> None:
    """Draw a small cross at the top: here the values stop being numbers."""
    for i in range(4):
        canvas.dot(x - 1 + i, i, "$error")
        canvas.dot(x + 2 - i, i, "$error")


def _mark(canvas: Canvas, share: float, style: str) -> None:
    x = round(share * (2 * canvas.width - 1))
    for y in range(0, 4 * canvas.height, 3):
        canvas.dot(x, y, style)


def _legend(lines: Sequence[Line]) -> Content:
    parts: list[str | tuple[str, str]] = []
    for dash, line in zip(_endless(_DASHES), lines, strict=False):
        if not line.name:
            continue
        sample = {1: "━━━", 2: "━ ━", 3: "·  ·"}[dash]
        last = next((y for x, y in reversed(line.points)), math.nan)
        parts += [(sample, line.style), f" {line.name} ", (number(last), "bold"), "   "]
    return Content.assemble(*parts)


def _with_scale(rows: Iterable[Content], labels: Sequence[str], margin: int) -> Iterator[Content]:
    body = list(rows)
    for i, row in enumerate(body):
        label = labels[0] if i == 0 else labels[1] if i == len(body) - 1 else ""
        edge = "┤" if label else "│"
        if i == len(body) // 2 and len(labels) > 2:
            label = labels[2]
        yield Content.assemble(
            (label.rjust(margin - 1), MUTED), " " if margin else "", (edge, _FAINT), row
        )


def _x_labels(axis: _Axis, margin: int, width: int, name: str) -> Content:
    low, high = number(axis.low), number(axis.high)
    room = width - margin - 1 - len(low) - len(high)
    middle = name if len(name) + 2 <= room else ""
    left = max(0, (room - len(middle)) // 2)
    right = max(0, room - len(middle) - left)
    return Content.styled(
        f"{' ' * (margin + 1)}{low}{' ' * left}{middle}{' ' * right}{high}", MUTED
    )


def _mark_labels(
    marks: Sequence[tuple[float, str, str]], axis: _Axis, margin: int, width: int
) -> Iterator[Content]:
    """Yield the labels of the marks, from the left; one that would overlap opens a new row."""
    room = width - margin - 1
    rows: list[list[str | tuple[str, str]]] = []
    ends: list[int] = []  # where the last label of each row ends
    for x, label, style in sorted(marks):
        text = f"▲ {label}"
        size = Content(text).cell_length
        at = round(axis.share(x) * (room - 1))
        if at + size > room:  # no room on the right: it points from the left
            text = f"{label} ▲"
            at = max(0, at - size + 1)
        row = next((i for i, end in enumerate(ends) if end < at), len(rows))
        if row == len(rows):
            rows.append([" " * (margin + 1)])
            ends.append(0)
        rows[row] += [" " * (at - ends[row]), (text, style)]
        ends[row] = at + size
    for parts in rows:
        yield Content.assemble(*parts)
