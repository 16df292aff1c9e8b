"""Which steps are looked at closely: the first, then ever fewer, within a share of the time."""

from __future__ import annotations

import time
from typing import Final

DENSE: Final = 6  # most mistakes show at once
GROWTH: Final = 1.25


class Schedule:
    """Decides step by step. `budget`: share of the run's time that observing may take.

    Without a budget the number of the step alone decides: all ranks look at the same steps.
    """

    def __init__(self, budget: float | None) -> None:
        self._budget = budget
        self._gap = 1.0
        self._next = 0
        self._began: float | None = None

    def is_due(self, step: int, spent: float) -> bool:
        """Return whether step `step` is one of them; `spent`: seconds of observing so far."""
        now = time.perf_counter()
        if self._began is None:
            self._began = now
        if step < self._next:
            return False
        if step < DENSE:
            return True
        if self._budget is not None and spent > self._budget * (now - self._began):
            self._next = step + max(2, step // 8)
            return False
        self._gap *= GROWTH
        self._next = step + round(self._gap)
        return True

    def is_over_budget(self, spent: float) -> bool:
        """Return whether observing has taken more than its share."""
        if self._budget is None:
            return False
        return self._began is not None and spent > self._budget * (
            time.perf_counter() - self._began
        )
