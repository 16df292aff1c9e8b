"""Curves as they are drawn and kept: points by name, thinned so that none is long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from expert.observation import json_value

Point = tuple[float, float]  # step or rate, value
Curve = list[Point]
Curves = dict[str, Curve]
TRIAL: Final = "trial:"  # before the id of a trial
BASELINE: Final = f"{TRIAL}baseline"  # the case as it is
AGAIN: Final = f"{TRIAL}baseline-again"  # and once more: how far chance makes two runs differ
MOST: Final = 400  # points kept of one curve; no terminal has more columns of dots


def append(curve: Curve, point: Point) -> None:
    """Add a point at the end; when there are too many, every second one is left out."""
    curve.append(point)
    if len(curve) > 2 * MOST:
        del curve[1:-1:2]


def thinned(points: Iterable[Point]) -> Curve:
    """Return the points, every n-th of them where there are too many; the last one stays."""
    every = list(points)
    step = -(-len(every) // MOST)
    return every if step <= 1 else [*every[:-1:step], every[-1]]


def curves_to_json(curves: Mapping[str, Curve]) -> dict[str, Any]:
    """Return a JSON object; NaN and infinities become strings as in observations."""
    return {
        name: [[json_value(x), json_value(y)] for x, y in curve] for name, curve in curves.items()
    }


def curves_from_json(data: Mapping[str, Any]) -> Curves:
    """Read what `curves_to_json` wrote."""
    return {str(name): [(float(x), float(y)) for x, y in curve] for name, curve in data.items()}
