"""A case with other data: what its loaders hold as one Split, and the same case on another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .data import CaseDict, Split, loaders


def split_of(case: CaseDict) -> Split:
    """Return all samples of the case's two loaders."""
    return Split(*_held(case["train_loader"]), *_held(case["val_loader"]))


def with_split(case: CaseDict, split: Split) -> CaseDict:
    """Return the case on the samples of `split`, shuffled in training."""
    size = getattr(case["train_loader"], "batch_size", 16)
    return {**case, **loaders(split, batch_size=size)}


def everything(split: Split) -> tuple[Tensor, Tensor]:
    """Return the inputs and targets of both sets, the training set first."""
    x = torch.cat([split.x_train, split.x_val])
    return x, torch.cat([split.y_train, split.y_val])


def cut_in_order(x: Tensor, y: Tensor) -> Split:
    """Return the first four fifths for training and the rest for validation."""
    cut = len(x) * 4 // 5
    return Split(x[:cut], y[:cut], x[cut:], y[cut:])


def _held(loader: Any) -> tuple[Tensor, Tensor]:
    if isinstance(loader, list):
        return torch.cat([x for x, _ in loader]), torch.cat([y for _, y in loader])
    x, y = loader.dataset.tensors
    return x, y
