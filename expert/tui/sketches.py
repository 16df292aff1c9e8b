"""Small drawings of what a loss can do, so that a person recognises theirs at a glance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from textual.content import Content

from expert.tui.chart import Canvas, Line, sketch
from expert.tui.sessions.curves import Curve

WIDTH, HEIGHT = 12, 2
_POINTS: Final = 48
TRAINING: Final = "$primary"
VALIDATION: Final = "$accent"

Shape = Callable[[float], float]


def _wave(x: float, size: float = 0.05) -> float:
    return size * (math.sin(29 * x) + math.sin(53 * x + 1)) / 2


_FALLS: Shape = lambda x: 0.06 + 0.9 * math.exp(-4.5 * x) + _wave(x)  # noqa: E731
_FLAT: Shape = lambda x: 0.5 + _wave(x, 0.09)  # noqa: E731
_RISES: Shape = lambda x: 0.1 + 0.85 * x**1.6 + _wave(x)  # noqa: E731

#: By (fact, value): the curves of the training loss and, where there are two, the validation loss.
SHAPES: Final[Mapping[tuple[str, str], tuple[Shape, ...]]] = {
    ("reported.loss_curve", "falls"): (_FALLS,),
    ("reported.loss_curve", "flat"): (_FLAT,),
    ("reported.loss_curve", "at-chance"): (lambda x: 0.55 + 0.42 * math.exp(-14 * x) + _wave(x),),
    ("reported.loss_curve", "slow"): (lambda x: 0.92 - 0.3 * x + _wave(x),),
    ("reported.loss_curve", "rises"): (_RISES,),
    ("reported.loss_curve", "jumps"): (
        lambda x: (0.12 + 0.8 * math.exp(-6 * x) if x < 0.6 else 0.9) + _wave(x),
    ),
    ("reported.loss_curve", "wavers"): (lambda x: 0.5 + 0.42 * math.sin(31 * x) * math.cos(9 * x),),
    ("reported.loss_curve", "spikes"): (
        lambda x: 0.08 + 0.85 * math.exp(-5 * x) + 0.55 * max(0.0, math.sin(21 * x)) ** 24,
    ),
    ("reported.loss_curve", "not-finite"): (
        lambda x: 0.25 + 0.7 * (x / 0.62) ** 6 if x < 0.62 else math.nan,
    ),
    ("reported.loss_pair", "both-fall"): (
        _FALLS,
        lambda x: 0.3 + 0.68 * math.exp(-4 * x) + _wave(x),
    ),
    ("reported.loss_pair", "only-training-falls"): (
        _FALLS,
        lambda x: 0.95 - 1.4 * x + 1.5 * x * x + _wave(x),
    ),
    ("reported.loss_pair", "only-validation-falls"): (lambda x: 0.85 + _wave(x), _FALLS),
    ("reported.loss_pair", "both-flat"): (lambda x: 0.3 + _wave(x), lambda x: 0.85 + _wave(x)),
    ("reported.loss_pair", "both-rise"): (_RISES, lambda x: min(1.0, _RISES(x) + 0.25)),
}


def drawing(sets: Mapping[str, object]) -> list[Content] | None:
    """Return the drawing for an answer that sets these facts; None where there is none."""
    for fact, value in sets.items():
        shapes = SHAPES.get((fact, value)) if isinstance(value, str) else None
        if shapes is not None:
            return _drawn(shapes)
    return None


def blank() -> list[Content]:
    """Return an empty drawing, for an answer among others that have one."""
    return list(Canvas(WIDTH, HEIGHT).rows())


def _drawn(shapes: tuple[Shape, ...]) -> list[Content]:
    styles = (TRAINING, VALIDATION)
    lines = [Line(_curve(s), style=style) for s, style in zip(shapes, styles, strict=False)]
    return sketch(lines, WIDTH, HEIGHT)


def _curve(shape: Shape) -> Curve:
    return [(i / _POINTS, shape(i / _POINTS)) for i in range(_POINTS + 1)]
