"""What a loader reads from: whole data sets held as tensors, and items drawn twice.

Some things only the whole set tells: on which samples the statistics of a preprocessing are exact,
or which rows stand in two sets. A TensorDataset (or a part of one) with the default collate can be
read as one batch without running any of the user's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, default_collate

from expert.errors import TorchmedicError
from probes.case.batches import Batch, take_apart, tensors_in
from probes.case.drawing import Limits, draw
from probes.labels import random_order

SAMPLES: Final = 30_000
BYTES: Final = 64 << 20
TWICE: Final = 24  # items that are read twice
_SPREAD: Final = 512  # items read from all over a set


@dataclass(frozen=True, slots=True)
class Samples:
    """A loader's samples: all there are (`complete`), or a fair part of them (`fair`), or neither.

    The first batches of a loader that reads in order are no fair part: they may be of one class.
    """

    batches: list[Batch]
    complete: bool
    fair: bool


def samples_of(loader: Any, drawn: Sequence[Batch], model: nn.Module) -> Samples:
    """Return what can be known of the loader's samples.

    Call it where the random state and the loader are put back afterwards.
    """
    stored = whole_set(loader)
    if stored is not None and drawn:
        return Samples([take_apart(list(stored), model)], complete=True, fair=True)
    total = size_of(loader)
    seen = sum(batch.size for batch in drawn)
    if drawn and total == seen and not _replaces(loader):
        return Samples(list(drawn), complete=True, fair=True)
    if random_order(loader):
        return Samples(list(drawn), complete=False, fair=True)
    spread = _spread_out(loader, total, model)
    return Samples(spread or list(drawn), complete=False, fair=bool(spread))


def size_of(loader: Any) -> int | None:
    """Return the number of samples in the loader's data set, None where unknown."""
    dataset = getattr(loader, "dataset", None)
    if dataset is None and isinstance(loader, list | tuple):
        return sum(take_apart(batch).size for batch in loader) if len(loader) <= 64 else None
    try:
        return len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def randomness(loader: Any) -> float | None:
    """Return how different one item is when read twice, over how different two items are.

    0: the same each time; 1: an item resembles itself no more than any other. Call it where the
    random state and the loader are put back afterwards. None where items cannot be read.
    """
    dataset = getattr(loader, "dataset", None)
    if isinstance(dataset, TensorDataset):
        return 0.0
    count = size_of(loader)
    if dataset is None or not hasattr(dataset, "__getitem__") or not count or count < 8:
        return None
    try:
        places = sorted(set(torch.linspace(0, count - 1, min(TWICE, count)).long().tolist()))
        first, second = ([_values(dataset[place]) for place in places] for _ in range(2))
    except Exception:  # the user's own code; the loader may wrap it in a way not known here
        return None
    if any(values is None or values.shape != first[0].shape for values in first + second):  # type: ignore[union-attr]
        return None
    one, other = (torch.stack([v for v in side if v is not None]) for side in (first, second))
    between = (one - one.roll(1, 0)).square().sum(1).mean()
    return float((one - other).square().sum(1).mean() / between) if float(between) > 0 else None


def _values(item: Any) -> Tensor | None:
    tensor = next(iter(tensors_in(take_apart(item).inputs)), None)
    return None if tensor is None else tensor.detach().reshape(-1).double().cpu()


def whole_set(loader: Any) -> tuple[Tensor, ...] | None:
    """Return the tensors that the samples are rows of; None unless held as such and not large."""
    if not isinstance(loader, DataLoader) or loader.collate_fn is not default_collate:
        return None
    dataset, chosen = loader.dataset, None
    if isinstance(dataset, Subset):
        chosen, dataset = torch.as_tensor(list(dataset.indices)), dataset.dataset
    if type(dataset) is not TensorDataset:
        return None
    tensors = dataset.tensors
    count = len(tensors[0]) if chosen is None else len(chosen)
    per_sample = sum(t[:1].numel() * t.element_size() for t in tensors)
    if count > SAMPLES or count * per_sample > BYTES:
        return None
    return tuple((t if chosen is None else t[chosen]).detach().clone() for t in tensors)


def _replaces(loader: Any) -> bool:
    return bool(getattr(getattr(loader, "sampler", None), "replacement", False))


def _spread_out(loader: Any, total: int | None, model: nn.Module) -> list[Batch]:
    """Return samples from all over a data set that is read in order, through its own collate."""
    dataset = getattr(loader, "dataset", None)
    plain = type(loader) is DataLoader and hasattr(dataset, "__getitem__")
    if not plain or not total or loader.batch_size is None:
        return []
    count = min(_SPREAD, total)
    places = sorted(set(torch.linspace(0, total - 1, count).long().tolist()))
    order = torch.randperm(len(places), generator=torch.Generator().manual_seed(0)).tolist()
    chosen: Subset[Any] = Subset(cast("Dataset[Any]", dataset), [places[i] for i in order])
    reader = DataLoader(chosen, batch_size=64, collate_fn=loader.collate_fn)
    try:
        return draw(reader, model, "val_loader", Limits(bytes=64 << 20, seconds=5.0))
    except TorchmedicError:  # items that only come in the loader's own batches
        return []
