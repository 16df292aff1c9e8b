"""A case with other parts: other data in its loaders, or another model under its optimizer."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .data import CaseDict, Split, loaders


def split_of(case: CaseDict) -> Split:
    """Return all samples of the case's two loaders."""
    return Split(*_held(case["train_loader"]), *_held(case["val_loader"]))


def with_split(case: CaseDict, split: Split) -> CaseDict:
    """Return the case on the samples of `split`, shuffled in training."""
    return {**case, **loaders(split, batch_size=batch_size(case))}


def in_order(case: CaseDict, x: Tensor, y: Tensor, size: int | None = None) -> CaseDict:
    """Return the case trained on these samples in this order, never shuffled."""
    loader = DataLoader(TensorDataset(x, y), batch_size=size or batch_size(case))
    return {**case, "train_loader": loader}


def batch_size(case: CaseDict) -> int:
    """Return the size of the case's training batches."""
    return getattr(case["train_loader"], "batch_size", None) or 16


def everything(split: Split) -> tuple[Tensor, Tensor]:
    """Return the inputs and targets of both sets, the training set first."""
    x = torch.cat([split.x_train, split.x_val])
    return x, torch.cat([split.y_train, split.y_val])


def cut_in_order(x: Tensor, y: Tensor) -> Split:
    """Return the first four fifths for training and the rest for validation."""
    cut = len(x) * 4 // 5
    return Split(x[:cut], y[:cut], x[cut:], y[cut:])


def with_model(case: CaseDict, model: nn.Module) -> CaseDict:
    """Return the case with this model and an optimizer of the same kind and settings for it."""
    old = case["optimizer"]
    accepted = inspect.signature(type(old)).parameters
    settings = {name: value for name, value in old.defaults.items() if name in accepted}
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return with_optimizer({**case, "model": model}, type(old)(trainable, **settings))


def with_optimizer(case: CaseDict, optimizer: torch.optim.Optimizer) -> CaseDict:
    """Return the case with this optimizer; a schedule of the former one is left out."""
    return {name: value for name, value in case.items() if name != "scheduler"} | {
        "optimizer": optimizer
    }


def _held(loader: Any) -> tuple[Tensor, Tensor]:
    if isinstance(loader, list):
        return torch.cat([x for x, _ in loader]), torch.cat([y for _, y in loader])
    x, y = loader.dataset.tensors
    return x, y
