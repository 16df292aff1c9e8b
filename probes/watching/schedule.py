"""How closely each step is looked at, within a share of the run's time.

Close steps (gradients, updates, layers) are the first ones, then ever fewer. Between them a step is
awake (the line of each call, labels, modes, rates, what a loss function is given) or asleep: then
it is counted, the loss that goes backward is read where that makes nobody wait, and that is all.
"""

from __future__ import annotations

import math
import time
from typing import Final

DENSE: Final = 6  # most mistakes show at once
GROWTH: Final = 1.25
AWAKE_AT_FIRST: Final = 200
MOST_NAPS: Final = 16  # steps in a row that are slept through, whatever an awake one costs


class Schedule:
    """Decides step by step. `budget`: share of the run's time for close steps, and for the others.

    The dense steps of the start are not charged: every run has them. Without a budget the number of
    the step alone decides (all ranks look at the same steps), and none is asleep.
    """

    def __init__(self, budget: float | None) -> None:
        self._budget = budget
        self._gap = 1.0
        self._next = 0
        self._began: float | None = None
        self._began_at = 0
        self._booked = 0.0
        self._on_close = self._on_others = 0.0

    def book(self, step: int, spent: float, *, close: bool) -> None:
        """Charge what was spent since the last call; `spent`: seconds of observing so far."""
        if self._began is None:
            self._began, self._began_at = time.perf_counter(), step
        elif not close:
            self._on_others += spent - self._booked
        elif self._next > DENSE:
            self._on_close += spent - self._booked
        self._booked = spent

    def is_due(self, step: int) -> bool:
        """Return whether step `step` is looked at closely."""
        if step < self._next:
            return False
        if step < DENSE:
            return True
        if not self.has_time():
            self._next = step + max(2, step // 8)
            return False
        self._gap *= GROWTH
        self._next = step + round(self._gap)
        return True

    def has_time(self) -> bool:
        """Return whether close steps have taken less than their share."""
        return self._owed(self._on_close) <= 0

    def naps(self, step: int) -> int:
        """Return how many steps from `step` on are slept through, to pay for those awake."""
        owed = self._owed(self._on_others)
        if step < AWAKE_AT_FIRST or owed <= 0:
            return 0
        steps = max(step - self._began_at, 1)
        return min(MOST_NAPS, math.ceil(owed * steps / self._elapsed()))

    def _owed(self, spent: float) -> float:
        """Return how many seconds the run must take for `spent` to be its share, from now on."""
        return spent / self._budget - self._elapsed() if self._budget else 0.0

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began if self._began is not None else 0.0
