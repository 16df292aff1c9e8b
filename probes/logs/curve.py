"""The finite part of a series, with its levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from expert.observation import Scalar
from probes.logs.robust import Values, noise_around_trend
from probes.logs.series import Series

#: Names and values of facts.
Facts = Iterator[tuple[str, Scalar]]


@dataclass(frozen=True, slots=True)
class Curve:
    """The finite part of a series, with its level at both ends."""

    series: Series
    steps: Values
    values: Values
    start: float
    end: float
    noise: float

    @property
    def scale(self) -> float:
        """What changes are measured against: the first level, or the range if it nears 0."""
        low, high = float(self.values.min()), float(self.values.max())
        return abs(self.start) if low >= 0 and self.start > 0 else max(high - low, 1e-300)

    @property
    def level(self) -> float:
        """The size of the values at the end, never 0."""
        return max(abs(self.end), 1e-3 * self.scale, 1e-300)


def finite_part(series: Series) -> Curve | None:
    """Return the curve without NaN and infinity, or None when fewer than two points are left."""
    values = np.array(series.values, dtype=np.float64)
    finite = np.isfinite(values)
    values, steps = values[finite], np.array(series.steps)[finite]
    if len(values) < 2:
        return None
    last = max(2, len(values) // 10) if len(values) >= 5 else 1
    return Curve(
        series,
        steps,
        values,
        start=_first_level(values),
        end=float(np.median(values[-last:])),
        noise=noise_around_trend(values),
    )


def _first_level(values: Values) -> float:
    """Return the level before the first steps change it: the first value, smoothed if it can be."""
    some = values[: 1 if len(values) < 15 else 3 if len(values) < 100 else 5]
    wild = some.max() - some.min() > abs(values[0])
    return float(values[0] if wild else np.median(some))
