"""NaN and infinity in all of a data set, beyond the batches that were drawn: one sample is enough.

Sets held as tensors are looked at as a whole; of others as many items are read, from all over the
set, as a short time allows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from probes.case.batches import Batch, take_apart
from probes.quantities.stored import size_of, whole_set

SECONDS: Final = 0.5  # of computing, for items that have to be made one by one
PATIENCE: Final = 3.0  # seconds by the clock: a busy machine, files to read
ITEMS: Final = 10_000  # at most, however fast they are made

Measured = Callable[[Batch], Iterable[Tensor]]  # the input tensors of a batch that hold values


@dataclass(frozen=True, slots=True)
class Unread:
    """What was looked at, and how much of it is NaN or infinite."""

    samples: int
    bad_samples: int
    values: int
    bad_values: int

    @property
    def share(self) -> float:
        """Return the share of the values that are NaN or infinite."""
        return self.bad_values / max(self.values, 1)


def look_further(loader: Any, model: nn.Module, measured: Measured) -> Unread | None:
    """Return what there is in the set that `loader` reads; None where it cannot be looked at.

    Call it where the random state and the loader are put back afterwards.
    """
    stored = whole_set(loader)
    if stored is not None:
        return _rows(list(measured(take_apart(list(stored), model))))
    dataset, count = getattr(loader, "dataset", None), size_of(loader)
    readable = isinstance(loader, DataLoader) and hasattr(dataset, "__getitem__")
    return _items(dataset, count, measured) if readable and count else None


def _rows(tensors: list[Tensor]) -> Unread | None:
    rows = [~torch.isfinite(t.reshape(t.shape[0], -1)) for t in tensors if t.dim()]
    if not rows or len({len(row) for row in rows}) != 1:
        return None
    bad = torch.stack([row.any(1) for row in rows]).any(0)
    values, wrong = sum(row.numel() for row in rows), sum(int(row.sum()) for row in rows)
    return Unread(len(bad), int(bad.sum()), values, wrong)


def _items(dataset: Any, count: int, measured: Measured) -> Unread | None:
    order = random.Random(0).sample(range(count), min(count, ITEMS))
    samples = bad_samples = values = bad_values = 0
    end, clock_end = time.process_time() + SECONDS, time.monotonic() + PATIENCE
    for place in order:
        try:
            tensors = list(measured(take_apart(dataset[place])))
        except Exception:  # the user's own code; items that only the loader knows how to read
            return None
        bad = sum(int((~torch.isfinite(tensor)).sum()) for tensor in tensors)
        samples += 1
        bad_samples += bad > 0
        values += sum(tensor.numel() for tensor in tensors)
        bad_values += bad
        if time.process_time() > end or time.monotonic() > clock_end:
            break
    return Unread(samples, bad_samples, values, bad_values)
