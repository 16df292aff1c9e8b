"""Curves of a diagnosis as an SVG picture with axes, a legend, marks and levels, in both languages.

Colours come from CSS classes of the page; each line has a dash of its own besides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from expert.language import Text
from expert.report.curves import Drawn, Points
from expert.template import number

_WIDTH, _HEIGHT = 610, 190
_LEFT, _RIGHT, _TOP = 56, 10, 22  # margins; the legend stands in the upper one
_ROW = 14
_DECADES = 100.0  # beyond this ratio of the largest to the smallest value, the axis is logarithmic
_LETTER, _CHINESE = 7, 12  # the width of a character


def chart_picture(drawn: Drawn) -> Markup:
    """Return the chart; nothing where no value is finite."""
    finite = [p for _, points in drawn.lines for p in points if math.isfinite(p[1])]
    if not finite:
        return Markup("")
    across = _Axis([x for x, _ in finite] + [x for _, x in drawn.marks], drawn.chart.log_x)
    heights = [y for _, y in finite] + [y for _, y in drawn.levels]
    up = _Axis(heights, min(heights) > 0 and max(heights) > _DECADES * min(heights))
    plot = _Plot(across, up)
    parts = [plot.frame(drawn.chart.x_name)]
    parts += [plot.level(title, y) for title, y in drawn.levels]
    parts += plot.marks(drawn.marks)
    parts += [plot.line(points, i) for i, (_, points) in enumerate(drawn.lines)]
    if len(drawn.lines) > 1:
        parts += _legend([title for title, _ in drawn.lines])
    height = _HEIGHT + _ROW * (len(drawn.marks) + 1) + 6
    return Markup(
        '<svg class="plot" role="img" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg">{}'
        "</svg>"
    ).format(_WIDTH, height, Markup("").join(parts))


class _Axis:
    """Where a value lies between the ends, 0 to 1."""

    def __init__(self, values: list[float], log: bool) -> None:
        self.log = log
        self.low, self.high = min(values), max(values)

    def at(self, value: float) -> float:
        low, high, place = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        if math.isinf(high - low):  # from one end of float64 to the other
            low, high, place = low / 2, high / 2, place / 2
        return (place - low) / (high - low) if high > low else 0.5


class _Plot:
    """Draws on the field between the two axes."""

    def __init__(self, across: _Axis, up: _Axis) -> None:
        self._across, self._up = across, up

    def x(self, value: float) -> float:
        return _LEFT + self._across.at(value) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - self._up.at(value) * (_HEIGHT - _TOP)

    def frame(self, x_name: Text) -> Markup:
        """The axes with the values at their ends."""
        path = Markup('<path class="axis" d="M{},{}V{}H{}"/>').format(
            _LEFT, _TOP, _HEIGHT, _WIDTH - _RIGHT
        )
        base = _HEIGHT + _ROW
        return path + Markup("").join(
            [
                _text(_LEFT - 6, _TOP + 8, number(self._up.high), "end"),
                _text(_LEFT - 6, _HEIGHT, number(self._up.low), "end"),
                _text(_LEFT, base, number(self._across.low), "start"),
                _text(_WIDTH - _RIGHT, base, number(self._across.high), "end"),
                _text((_LEFT + _WIDTH - _RIGHT) // 2, base, x_name, "middle"),
            ]
        )

    def level(self, title: Text, value: float) -> Markup:
        """A height to compare with, its name above its right end."""
        y = self.y(value)
        line = Markup('<line class="level" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            _LEFT, _WIDTH - _RIGHT, y, y
        )
        return line + _text(_WIDTH - _RIGHT, round(y) - 4, _with_number(title, value), "end")

    def marks(self, marks: tuple[tuple[Text, float], ...]) -> Iterator[Markup]:
        """Places on the horizontal axis, each with its name on a row of its own below it."""
        for row, (title, value) in enumerate(sorted(marks, key=lambda mark: mark[1]), start=2):
            x, base = self.x(value), _HEIGHT + row * _ROW
            yield Markup('<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(
                x, _TOP, base - _ROW + 4
            )
            anchor = "end" if x > _WIDTH * 0.75 else "start"
            yield _text(
                round(x) + (-4 if anchor == "end" else 4), base, _with_number(title, value), anchor
            )

    def line(self, points: Points, index: int) -> Markup:
        """A curve, broken where its value is not finite."""
        path, pen = [], "M"
        for x, y in points:
            if math.isfinite(y):
                path.append(f"{pen}{self.x(x):.1f},{self.y(y):.1f}")
                pen = "L"
            else:
                pen = "M"
        return Markup('<path class="curve curve-{}" d="{}"/>').format(index, "".join(path))


def _legend(titles: list[Text]) -> Iterator[Markup]:
    at = _LEFT
    for index, title in enumerate(titles):
        yield Markup('<path class="curve curve-{}" d="M{},{}h26"/>').format(index, at, 10)
        yield _text(at + 32, 14, title, "start")
        at += 56 + max(_LETTER * len(title.en), _CHINESE * len(title.zh))


def _with_number(title: Text, value: float) -> Text:
    return Text(f"{title.en} {number(value)}", f"{title.zh} {number(value)}")


def _text(x: int, y: int, said: Text | str, anchor: str) -> Markup:
    if isinstance(said, str):
        return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, said)
    return Markup("").join(
        Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            language, x, y, anchor, said.get(language)
        )
        for language in ("en", "zh")
    )
