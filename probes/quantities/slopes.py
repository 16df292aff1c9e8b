"""A derivative against finite differences: one direction, several step sizes (CS231n)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slopes:
    """Along one direction: what the backward says, and differences at several step sizes."""

    analytic: float
    numeric: tuple[float, ...]

    @property
    def flat(self) -> bool:
        """Return whether the forward does not move (for most steps) where the backward does."""
        still = sum(value == 0 for value in self.numeric)
        return self.analytic != 0 and 2 * still > len(self.numeric)

    @property
    def error(self) -> float:
        """Return the relative error at the best step size."""
        return min(relative(value, self.analytic) for value in self.numeric)


def verdict(slopes: Sequence[Slopes]) -> float | None:
    """Return the median error over the directions; None where the forward is flat on purpose."""
    if 2 * sum(slope.flat for slope in slopes) > len(slopes):
        return None
    errors = sorted(slope.error for slope in slopes)
    return errors[len(errors) // 2]


def relative(numeric: float, analytic: float) -> float:
    """Return the difference over the larger of the two."""
    largest = max(abs(numeric), abs(analytic))
    return abs(numeric - analytic) / largest if largest else 0.0
