"""Training steps that do everything themselves: go backward, clip, accumulate, update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, OneCycleLR

from . import breast_cancer, diabetes, digits_mlp, recurrent, wine
from .data import CaseDict

Base = Callable[[int], CaseDict]
Prepare = Callable[[nn.Module], object]


def own_step(
    case: CaseDict,
    *,
    zero: bool = True,
    update: bool = True,
    clip: Prepare | None = None,
    accumulate: int = 1,
    divide: bool = True,
    zero_each: bool = False,
    scheduler: Any = None,
) -> CaseDict:
    """Return the case with a step that does all the work; the keywords say how well."""
    loss_fn, optimizer = case.pop("loss_fn"), case["optimizer"]
    seen = 0

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        nonlocal seen
        inputs, target = batch
        if zero and (zero_each or seen % accumulate == 0):
            optimizer.zero_grad()
        loss: Tensor = loss_fn(model(inputs), target)
        (loss / accumulate if divide and accumulate > 1 else loss).backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            clip(model)
        seen += 1
        if update and seen % accumulate == 0:
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return loss.detach()

    step.is_whole = True  # type: ignore[attr-defined]
    case = {**case, "step": step}
    return case if scheduler is None else {**case, "scheduler": scheduler}


def _norm(bound: float) -> Prepare:
    return lambda model: clip_grad_norm_(model.parameters(), bound)


def _value(bound: float) -> Prepare:
    return lambda model: clip_grad_value_(model.parameters(), bound)


def _sgd(base: Base, seed: int, lr: float, momentum: float = 0.0) -> CaseDict:
    case = base(seed)
    optimizer = torch.optim.SGD(case["model"].parameters(), lr=lr, momentum=momentum)
    return {**case, "optimizer": optimizer}


# --- healthy --------------------------------------------------------------------------------------


def healthy_own_step(seed: int) -> CaseDict:
    """Zero, backward, update, in one step that returns a detached loss."""
    return own_step(digits_mlp.healthy(seed))


def healthy_zeroed_last(seed: int) -> CaseDict:
    """The gradients are cleared after the update, by hand."""
    case = diabetes.healthy(seed)
    loss_fn, optimizer = case.pop("loss_fn"), case["optimizer"]

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss: Tensor = loss_fn(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for parameter in model.parameters():
            parameter.grad = None
        return loss

    step.is_whole = True  # type: ignore[attr-defined]
    return {**case, "step": step}


def healthy_accumulation(seed: int) -> CaseDict:
    """Four batches to an update, each loss divided by four."""
    return own_step(_sgd(digits_mlp.healthy, seed, 0.3, 0.9), accumulate=4)


def healthy_clipping(seed: int) -> CaseDict:
    """A recurrent network with its gradient norm held at 1."""
    return own_step(recurrent.healthy(seed), clip=_norm(1.0))


def healthy_clipping_often(seed: int) -> CaseDict:
    """SGD whose gradient is clipped at nearly every step, to half its size, and learns well."""
    return own_step(_sgd(digits_mlp.healthy, seed, 0.3), clip=_norm(0.3))


def healthy_one_cycle(seed: int) -> CaseDict:
    """One cycle of the rate, stepped per batch inside the step."""
    case = digits_mlp.healthy(seed)
    steps = case["epochs"] * len(case["train_loader"])
    scheduler = OneCycleLR(case["optimizer"], max_lr=5e-3, total_steps=steps + 1)
    return own_step(case, scheduler=scheduler)


def healthy_cosine(seed: int) -> CaseDict:
    """Two epochs of warm-up, then a cosine down to zero."""
    case = diabetes.healthy(seed)
    warm = torch.optim.lr_scheduler.LinearLR(case["optimizer"], 0.1, total_iters=2)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(case["optimizer"], case["epochs"] - 2)
    scheduler = torch.optim.lr_scheduler.SequentialLR(case["optimizer"], [warm, cosine], [2])
    return {**case, "scheduler": scheduler}


def healthy_mixed_precision(seed: int) -> CaseDict:
    """Half precision with a scaler; unscaled before clipping."""
    return _half(breast_cancer.healthy(seed), unscale=True)


# --- gradients not cleared, weights not updated ---------------------------------------------------


def never_zeroed(seed: int) -> CaseDict:
    """`zero_grad` forgotten; SGD."""
    return own_step(_sgd(digits_mlp.healthy, seed, 0.1), zero=False)


def never_zeroed_regression(seed: int) -> CaseDict:
    """`zero_grad` forgotten; SGD with momentum on a regression."""
    return own_step(_sgd(diabetes.healthy, seed, 0.02, 0.9), zero=False)


def never_zeroed_recurrent(seed: int) -> CaseDict:
    """`zero_grad` forgotten; Adam hides half of it."""
    return own_step(recurrent.healthy(seed), zero=False)


def never_updated(seed: int) -> CaseDict:
    """`optimizer.step()` forgotten."""
    return own_step(digits_mlp.healthy(seed), update=False)


def never_updated_regression(seed: int) -> CaseDict:
    """`optimizer.step()` forgotten on a regression."""
    return own_step(diabetes.healthy(seed), update=False)


def never_updated_wine(seed: int) -> CaseDict:
    """`optimizer.step()` forgotten on a small set."""
    return own_step(wine.healthy(seed), update=False)


# --- clipping -------------------------------------------------------------------------------------


def clipped_to_nothing(seed: int) -> CaseDict:
    """The norm is clipped to a thousandth, with SGD."""
    return own_step(_sgd(digits_mlp.healthy, seed, 0.1), clip=_norm(1e-3))


def clipped_by_value(seed: int) -> CaseDict:
    """Every value is clipped to 1e-5, with SGD."""
    return own_step(_sgd(diabetes.healthy, seed, 0.05), clip=_value(1e-5))


def clipped_recurrent(seed: int) -> CaseDict:
    """The norm is clipped to a thousandth, with SGD, on a recurrent network."""
    return own_step(_sgd(recurrent.healthy, seed, 0.5, 0.9), clip=_norm(1e-3))


def clipped_while_scaled(seed: int) -> CaseDict:
    """Clipped before `unscale_`: what is left is a 65536th."""
    return _half(_sgd(breast_cancer.healthy, seed, 0.05), unscale=False)


def clipping_hides_the_rate(seed: int) -> CaseDict:
    """SGD at 30, kept alive by clipping."""
    return own_step(_sgd(digits_mlp.healthy, seed, 30.0), clip=_norm(1.0))


def clipping_hides_the_rate_regression(seed: int) -> CaseDict:
    """SGD at 3, kept alive by clipping, on a regression."""
    return own_step(_sgd(diabetes.healthy, seed, 3.0), clip=_norm(1.0))


def clipping_hides_the_rate_wine(seed: int) -> CaseDict:
    """SGD at 100, kept alive by clipping each value."""
    return own_step(_sgd(wine.healthy, seed, 100.0), clip=_value(0.5))


# --- accumulation ---------------------------------------------------------------------------------


def accumulated_without_dividing(seed: int) -> CaseDict:
    """Sixteen batches to an update, summed: the step is sixteen times as large."""
    return own_step(_sgd(digits_mlp.healthy, seed, 0.6, 0.9), accumulate=16, divide=False)


def accumulated_without_dividing_regression(seed: int) -> CaseDict:
    """Eight batches to an update, summed, on a regression."""
    return own_step(_sgd(diabetes.healthy, seed, 0.1, 0.9), accumulate=8, divide=False)


def zeroed_while_accumulating(seed: int) -> CaseDict:
    """An update every eight batches, and the gradients cleared at each of them."""
    return own_step(_sgd(wine.healthy, seed, 0.02), accumulate=8, zero_each=True)


# --- mixed precision ------------------------------------------------------------------------------


class _Energy(nn.Module):
    """Squares that do not fit into half precision, and their share of the whole."""

    def forward(self, x: Tensor) -> Tensor:
        energy = (x * 400).square()
        return energy / (energy.mean(dim=1, keepdim=True) + 1)


def half_precision_overflows(seed: int) -> CaseDict:
    """Squared activations of a million in float16, in which 65504 is the most."""
    torch.manual_seed(seed)
    case = digits_mlp.healthy(seed)
    case["model"] = nn.Sequential(nn.Linear(64, 64), _Energy(), nn.Linear(64, 10))
    case["optimizer"] = torch.optim.Adam(case["model"].parameters(), lr=1e-3)
    return _half(case)


def half_precision_overflows_regression(seed: int) -> CaseDict:
    """The same on a regression."""
    torch.manual_seed(seed)
    case = diabetes.healthy(seed)
    case["model"] = nn.Sequential(case["model"][:-1], _Energy(), case["model"][-1])
    return _half(case)


def _half(case: CaseDict, unscale: bool | None = None) -> CaseDict:
    """Return the case with a step in half precision; `unscale`: clip, after unscaling or not."""
    loss_fn, optimizer = case.pop("loss_fn"), case["optimizer"]
    scaler = torch.amp.GradScaler("cpu")

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss: Tensor = loss_fn(model(batch[0]).float(), batch[1])
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if unscale:
            scaler.unscale_(optimizer)
        if unscale is not None:
            clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    step.is_whole = True  # type: ignore[attr-defined]
    return {**case, "step": step, "scaler": scaler}


# --- schedules ------------------------------------------------------------------------------------


def rate_dies_per_epoch(seed: int) -> CaseDict:
    """The rate falls to a tenth each epoch."""
    case = _sgd(digits_mlp.healthy, seed, 0.02)
    return {**case, "scheduler": ExponentialLR(case["optimizer"], 0.1)}


def decayed_per_batch(seed: int) -> CaseDict:
    """A decay meant for epochs, stepped with every batch."""
    case = recurrent.healthy(seed)
    return own_step(case, scheduler=ExponentialLR(case["optimizer"], 0.9))


def warm_up_without_end(seed: int) -> CaseDict:
    """A warm-up of 20000 steps in a training of a few hundred."""
    case = diabetes.healthy(seed)
    scheduler = LambdaLR(case["optimizer"], lambda step: min(1.0, (step + 1) / 20_000))
    return {**case, "scheduler": scheduler}
