"""The course of a number over a whole run, in bounded memory."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

BUCKETS: Final = 256


class Curve:
    """Means of equally many consecutive values, in at most 256 buckets; non-finite ones apart."""

    def __init__(self) -> None:
        self.count = 0
        self.first_nonfinite: int | None = None
        self.first = math.nan
        self.last = math.nan
        self._width = 1
        self._sums: list[float] = []
        self._counts: list[int] = []

    def add(self, value: float) -> None:
        """Take the next value."""
        if self.count == 0:
            self.first = value
        self.last = value
        index = self.count // self._width
        if index >= 2 * BUCKETS:
            self._halve()
            index = self.count // self._width
        while len(self._sums) <= index:
            self._sums.append(0.0)
            self._counts.append(0)
        if math.isfinite(value):
            self._sums[index] += value
            self._counts[index] += 1
        elif self.first_nonfinite is None:
            self.first_nonfinite = self.count
        self.count += 1

    def _halve(self) -> None:
        self._width *= 2
        pairs = range(0, len(self._sums), 2)
        self._sums = [sum(self._sums[i : i + 2]) for i in pairs]
        self._counts = [sum(self._counts[i : i + 2]) for i in pairs]

    @property
    def means(self) -> list[float]:
        """The bucket means in order; buckets without a finite value are left out."""
        return [s / n for s, n in zip(self._sums, self._counts, strict=True) if n]

    def start(self) -> float:
        """Return the mean of the first twentieth (at least two buckets)."""
        return _mean(self.means[: self._part()])

    def end(self) -> float:
        """Return the mean of the last tenth (at least two buckets)."""
        return _mean(self.means[-2 * self._part() :])

    def lowest(self) -> float:
        """Return the lowest mean of neighbouring buckets."""
        means, part = self.means, self._part()
        spans = range(max(len(means) - part + 1, 1))
        return min((_mean(means[i : i + part]) for i in spans), default=math.nan)

    def noise(self) -> float:
        """Return the usual step from one bucket to the next."""
        means = self.means
        steps = sorted(abs(b - a) for a, b in pairwise(means))
        return steps[len(steps) // 2] if steps else 0.0

    def _part(self) -> int:
        return max(2, len(self.means) // 20)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
