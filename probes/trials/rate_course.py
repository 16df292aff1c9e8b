"""A learning rate that follows a course over the steps of a trial, however many they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 1e-12  # of the base: groups at exactly 0 would forget how their rates compare


@dataclass(frozen=True, slots=True)
class RateCourse:
    """Stands in a treated case's `scheduler`: `shape` gives the share of `base` at each moment."""

    base: float
    shape: Callable[[float], float]

    def rate(self, share: float) -> float:
        """Return the rate when `share` (0 to 1) of the training is done."""
        return self.base * max(self.shape(share), _LEAST)
