"""A curve of any length in bounded memory: thinned evenly, with the extremes kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from probes.logs.series import Axis, Role, Series

MOST_BUCKETS: Final = 4096


@dataclass(slots=True)
class _Bucket:
    """Some points in a row: where they begin, their first value, and their extremes."""

    entry: int
    step: float
    epoch: float
    first: float
    low: float
    high: float
    size: int = 1

    def absorb(self, other: _Bucket) -> None:
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.size += other.size
        if math.isnan(self.first):
            self.first = other.first


class ThinnedCurve:
    """Takes the points of one curve in the order of the log.

    A step that was there before is a restart from a checkpoint: what came after it is replaced. A
    step counter that begins anew with each epoch is counted on.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.restarted = False
        self._buckets: list[_Bucket] = []
        self._stride = 1
        self._offset = 0.0
        self._last_raw = -math.inf
        self._last_epoch = -math.inf
        self._entries = 0
        self._broken_from: tuple[int, float, float] | None = None
        self._broken_length = 0
        self._longest_earlier = 0

    def add(self, step: float, epoch: float, value: float) -> None:
        """Add a point; `step` and `epoch` are NaN where the log does not tell them."""
        step = self._continued(step, epoch)
        self._note_broken(step, epoch, value)
        finite = math.isfinite(value)
        low, high = (value, value) if finite else (math.inf, -math.inf)
        point = _Bucket(self._entries, step, epoch, value if finite else math.nan, low, high)
        self._entries += 1
        if self._buckets and self._buckets[-1].size < self._stride:
            self._buckets[-1].absorb(point)
        else:
            self._buckets.append(point)
            if len(self._buckets) > MOST_BUCKETS:
                self._merge_pairs()

    def _continued(self, step: float, epoch: float) -> float:
        """Return the step counted from the start of the run; forget what a restart does again."""
        last, last_epoch = self._last_raw, self._last_epoch
        if not math.isnan(step):
            self._last_raw = step
        if not math.isnan(epoch):
            self._last_epoch = epoch
        if epoch < last_epoch:
            self._go_back_to_epoch(step, epoch)
        elif step < last and (epoch > last_epoch or self._is_near_start(step)):
            self._offset += last
        elif step < last:
            self._keep([b for b in self._buckets if b.step < step + self._offset])
        return step + self._offset

    def _is_near_start(self, step: float) -> bool:
        first = self._buckets[0].step
        reached = self._buckets[-1].step - self._offset
        return step <= first + 0.05 * max(reached - first, 0.0)

    def _go_back_to_epoch(self, step: float, epoch: float) -> None:
        counts_on = self._offset > 0
        same = [b for b in self._buckets if b.epoch == epoch and b.step < step and not counts_on]
        self._keep([b for b in self._buckets if b.epoch < epoch] + same)
        self._offset = self._buckets[-1].step if counts_on and self._buckets else 0.0

    def _keep(self, buckets: list[_Bucket]) -> None:
        self.restarted = True
        self._buckets = buckets
        self._broken_from, self._broken_length, self._longest_earlier = None, 0, 0

    def _note_broken(self, step: float, epoch: float, value: float) -> None:
        """Follow the stretch of NaN or infinite values that is going on, if one is."""
        if math.isfinite(value):
            self._longest_earlier = max(self._longest_earlier, self._broken_length)
            self._broken_from, self._broken_length = None, 0
            return
        if self._broken_from is None:
            self._broken_from = (self._entries, step, epoch)
        self._broken_length += 1

    def _merge_pairs(self) -> None:
        pairs = zip(self._buckets[::2], self._buckets[1::2], strict=False)
        odd = self._buckets[-1:] if len(self._buckets) % 2 else []
        merged = []
        for left, right in pairs:
            left.absorb(right)
            merged.append(left)
        self._buckets = merged + odd
        self._stride *= 2

    @property
    def count(self) -> int:
        """How many points the curve stands for."""
        return sum(bucket.size for bucket in self._buckets)

    def series(self, role: Role) -> Series:
        """Return the curve as it is now."""
        buckets = self._buckets
        axis = self._axis()
        epochs = [b.epoch for b in buckets if not math.isnan(b.epoch)]
        return Series(
            name=self.name,
            role=role,
            steps=tuple(_position(axis, b.entry, b.step, b.epoch) for b in buckets),
            values=tuple(b.first for b in buckets),
            source=self.source,
            lows=tuple(b.low if b.low <= b.high else math.nan for b in buckets),
            highs=tuple(b.high if b.low <= b.high else math.nan for b in buckets),
            count=self.count,
            axis=axis,
            first_epoch=min(epochs, default=None),
            last_epoch=None if not epochs else max(max(epochs), self._last_epoch),
            nonfinite_from=self._broken(axis),
        )

    def _axis(self) -> Axis:
        if all(not math.isnan(b.step) for b in self._buckets):
            return "step"
        epochs = [b.epoch for b in self._buckets]
        rising = all(a < b for a, b in pairwise(epochs))
        return "epoch" if rising and not any(map(math.isnan, epochs)) else "entry"

    def _broken(self, axis: Axis) -> float | None:
        """Return where the curve turned non-finite for good.

        Gaps that are as long as earlier ones are cells that the log leaves out.
        """
        if self._broken_from is None or self._broken_length <= self._longest_earlier:
            return None
        return _position(axis, *self._broken_from)


def _position(axis: Axis, entry: int, step: float, epoch: float) -> float:
    return {"step": step, "epoch": epoch, "entry": float(entry)}[axis]
