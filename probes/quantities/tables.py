"""Samples as rows of numbers: inputs pooled to few features, targets as columns.

Cheap models and two-sample tests ask for tables; images are averaged down to 8 x 8 positions and
what is still too wide is projected at random, which keeps distances (Johnson and Lindenstrauss).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from probes.case.batches import Batch
from probes.data import input_tensors
from probes.quantities.moments import STANDARDISED_LIMIT, constant
from probes.quantities.task import Task, class_labels

SIDE: Final = 8  # positions per axis that are kept of images and of long sequences
WIDEST: Final = 96  # features that cheap models get
COLUMNS: Final = 16  # of the target
WORDS: Final = 512  # the most frequent tokens, which are counted
_READ: Final = 20_000  # values of a sample at most


def rows_of(batches: Sequence[Batch]) -> Tensor | None:
    """Return the pooled inputs (N, P), float64 on the CPU; None where samples do not line up."""
    parts = [_pooled_batch(batch) for batch in batches]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({part.shape[1] for part in known}) != 1:
        return None
    return torch.cat(known) if known[0].shape[1] else None


def bags_of(batches: Sequence[Batch]) -> Tensor | None:
    """Return how often each sample holds each token (N, at most WORDS), float64, as log(1 + n).

    The bag of words, the usual first look at text; their order is lost. None where samples do not
    line up.
    """
    parts = [_ids(batch) for batch in batches]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    values, counts = torch.unique(torch.cat([p.reshape(-1) for p in known]), return_counts=True)
    words = values[counts.argsort(descending=True, stable=True)[:WORDS]].sort().values
    return torch.cat([_counts(part, words) for part in known]).log1p()


def _ids(batch: Batch) -> Tensor | None:
    """Return the batch's sequences of whole numbers (N, L) on the CPU; None without any."""
    parts = [p for p in _parts(batch) or () if p.dim() == 2 and not p.is_floating_point()]
    return torch.cat([part.long().cpu() for part in parts], dim=1) if parts else None


def _counts(ids: Tensor, words: Tensor) -> Tensor:
    place = torch.searchsorted(words, ids).clamp(max=len(words) - 1)
    held = (words[place] == ids).double()
    return torch.zeros(len(ids), len(words), dtype=torch.float64).scatter_add_(1, place, held)


def whole_rows(batches: Sequence[Batch]) -> Tensor | None:
    """Return the inputs as they are, one flat row per sample (N, P), float64 on the CPU."""
    parts = [_flat_batch(batch) for batch in batches]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({part.shape[1] for part in known}) != 1:
        return None
    return torch.cat(known)


def columns_of(task: Task, batches: Sequence[Batch]) -> Tensor | None:
    """Return the targets (N, C), float64: one column per class, label or measured value.

    Of many classes the most frequent have columns. None where a sample has no single answer.
    """
    targets = [batch.target_tensor for batch in batches]
    known = [target for target in targets if target is not None]
    if len(known) < len(targets) or not known or task.kind in ("input", "none"):
        return None
    labels = class_labels(task, known)
    sizes = [batch.size for batch in batches]
    if labels is not None:
        if [len(part) for part in labels] != sizes:
            return None
        return _one_hot(torch.cat(labels).cpu())
    if any(t.dim() not in (1, 2) or len(t) != n for t, n in zip(known, sizes, strict=True)):
        return None
    values = torch.cat([t.reshape(len(t), -1) for t in known]).cpu().double()[:, :COLUMNS]
    return values if bool(torch.isfinite(values).all()) else None


def distinct(rows: Tensor) -> Tensor:
    """Return the indices of the rows left when every repetition is dropped, in order."""
    _, inverse = torch.unique(rows, dim=0, return_inverse=True)
    first = torch.full((int(inverse.max()) + 1,), len(rows), dtype=torch.long)
    first.scatter_reduce_(0, inverse, torch.arange(len(rows)), "amin")
    return first.sort().values


@dataclass(frozen=True, slots=True)
class Scaling:
    """How rows become features: centred and scaled by one set's moments, then projected."""

    mean: Tensor
    std: Tensor
    projection: Tensor | None

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """Return the scaling that standardises `rows` (N, P); constant columns get 0."""
        seen = torch.where(torch.isfinite(rows), rows, torch.nan)
        mean = torch.nan_to_num(seen.nanmean(0))
        std = torch.nan_to_num((seen - mean).square().nanmean(0)).sqrt()
        std = torch.where(constant(mean, std), torch.inf, std)
        return cls(mean, std, _projection(rows.shape[1]))

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the features of `rows`, (N, at most WIDEST)."""
        whole: Tensor = torch.nan_to_num((rows - self.mean) / self.std, 0.0, 0.0, 0.0)
        scaled = whole.clamp(-STANDARDISED_LIMIT, STANDARDISED_LIMIT)
        return scaled if self.projection is None else scaled @ self.projection


def _projection(width: int) -> Tensor | None:
    if width <= WIDEST:
        return None
    generator = torch.Generator().manual_seed(0)
    coins = torch.randint(0, 2, (width, WIDEST), generator=generator)
    return (coins.double() * 2 - 1) / math.sqrt(WIDEST)


def _one_hot(labels: Tensor) -> Tensor:
    values, counts = torch.unique(labels, return_counts=True)
    kept: Tensor = values[counts.argsort(descending=True, stable=True)[:COLUMNS]].sort().values
    same: Tensor = labels[:, None] == kept
    return same.double()


def _parts(batch: Batch) -> list[Tensor] | None:
    tensors = list(input_tensors(batch).values())
    fits = all(t.dim() >= 1 and t.shape[0] == batch.size and not t.is_complex() for t in tensors)
    return tensors if tensors and fits else None


def _pooled_batch(batch: Batch) -> Tensor | None:
    parts = _parts(batch)
    if parts is None:
        return None
    return torch.cat([pooled(part).flatten(1).double().cpu() for part in parts], dim=1)


def _flat_batch(batch: Batch) -> Tensor | None:
    parts = _parts(batch)
    if parts is None:
        return None
    flat = [part.reshape(part.shape[0], -1)[:, :_READ].double().cpu() for part in parts]
    return torch.cat(flat, dim=1)


def pooled(values: Tensor) -> Tensor:
    """Return the samples' values (N, ...) averaged down where an image or a long sequence."""
    values = values.float().reshape(len(values), 1) if values.dim() == 1 else values.float()
    if values.dim() == 4:
        if values.shape[-1] in (1, 2, 3, 4) and values.shape[1] not in (1, 2, 3, 4):
            values = values.movedim(-1, 1)
        height, width = values.shape[2:]
        return F.adaptive_avg_pool2d(values, (min(SIDE, height), min(SIDE, width)))
    if values.dim() == 3 and values.shape[1] * values.shape[2] > WIDEST:
        return F.adaptive_avg_pool1d(values.transpose(1, 2), min(SIDE, values.shape[1]))
    return values.reshape(len(values), -1)[:, :_READ]
