"""What goes wrong with the loss and with how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..changed import with_optimizer
from ..data import CaseDict


def loss(case: CaseDict, loss_fn: Callable[..., Tensor]) -> CaseDict:
    """Another loss function."""
    return {**case, "loss_fn": loss_fn}


def uphill(case: CaseDict) -> CaseDict:
    """The loss with its sign lost."""
    right = case["loss_fn"]

    def loss_fn(out: Tensor, target: Tensor) -> Tensor:
        return -right(out, target)

    return {**case, "loss_fn": loss_fn}


def penalised(case: CaseDict, weight: float, power: int = 2) -> CaseDict:
    """A penalty of all weights added to the loss."""
    right = case["loss_fn"]

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        penalty = sum(parameter.abs().pow(power).sum() for parameter in model.parameters())
        out: Tensor = right(model(batch[0]), batch[1]) + weight * penalty
        return out

    return {**{key: value for key, value in case.items() if key != "loss_fn"}, "step": step}


def measured_by(case: CaseDict, metric: Callable[[Tensor, Tensor], float]) -> CaseDict:
    """A metric beside the loss."""
    return {**case, "metric": metric}


def sgd(case: CaseDict, lr: float, **settings: Any) -> CaseDict:
    """Plain SGD, with these settings."""
    return optimized_by(case, torch.optim.SGD, lr=lr, **settings)


def adam(case: CaseDict, lr: float, **settings: Any) -> CaseDict:
    """Adam, with these settings."""
    return optimized_by(case, torch.optim.Adam, lr=lr, **settings)


def optimized_by(case: CaseDict, kind: type[torch.optim.Optimizer], **settings: Any) -> CaseDict:
    """Another optimizer over what is to be trained."""
    trainable = [p for p in case["model"].parameters() if p.requires_grad]
    make: Any = kind
    return with_optimizer(case, make(trainable, **settings))


def rate_times(case: CaseDict, factor: float) -> CaseDict:
    """The same optimizer with another rate."""
    for group in case["optimizer"].param_groups:
        group["lr"] *= factor
        group.pop("initial_lr", None)
    return {name: value for name, value in case.items() if name != "scheduler"}


def only_last_in_optimizer(case: CaseDict) -> CaseDict:
    """Only the last layer's parameters were handed on."""
    last = list(case["model"].parameters())[-2:]
    old = case["optimizer"]
    return with_optimizer(case, type(old)(last, lr=old.defaults["lr"]))


def decayed(case: CaseDict, make: Callable[[torch.optim.Optimizer], Any]) -> CaseDict:
    """A schedule stepped once per epoch."""
    return {**case, "scheduler": make(case["optimizer"])}


def never_backward(case: CaseDict) -> CaseDict:
    """A step in which `loss.backward()` was forgotten."""
    loss_fn, optimizer = case["loss_fn"], case["optimizer"]

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        optimizer.zero_grad()
        out: Tensor = loss_fn(model(batch[0]), batch[1])
        optimizer.step()
        return out.detach()

    step.is_whole = True  # type: ignore[attr-defined]
    return {**{key: value for key, value in case.items() if key != "loss_fn"}, "step": step}


def summed(case: CaseDict, lr: float) -> CaseDict:
    """A loss summed over the batch at a rate that suits its mean; plain SGD."""
    kind = type(case["loss_fn"])
    return {**sgd(case, lr), "loss_fn": kind(reduction="sum")}
