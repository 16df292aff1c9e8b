"""Hand-written backwards: wrong ones, right ones, and one that is another on purpose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import breast_cancer, diabetes, digits_mlp
from .data import CaseDict, digits, standardise


class _Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        gate = x.sigmoid()
        return grad * (gate + x * gate * (1 - gate))


class _Rectifier(torch.autograd.Function):
    """A leaky rectifier whose backward has the two sides exchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x > 0, x, 0.1 * x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * torch.where(x > 0, 0.1, -1.0)


class _Square(torch.autograd.Function):
    """A squared error whose backward forgot on which side the prediction stands."""

    @staticmethod
    def forward(ctx: Any, prediction: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(prediction, target)
        return ((prediction - target) ** 2).mean()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        prediction, target = ctx.saved_tensors
        return grad * 2 * (target - prediction) / prediction.numel(), None


class _Scaled(torch.autograd.Function):
    """x * weight, whose backward forgets the weight's share of the chain rule."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.tanh(x @ weight.T)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return grad @ weight, -grad.T @ x


class _Binary(torch.autograd.Function):
    """A straight-through estimator: 0 or 1 forward, the identity within -1..1 backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class _Apply(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.function.apply(x)
        return out


class _OwnLinear(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _Scaled.apply(x, self.weight)
        return out


def rectifier_sides_exchanged(seed: int) -> CaseDict:
    """The backward of a leaky rectifier has its sides exchanged."""
    torch.manual_seed(seed)
    return digits_mlp._with_adam(_with(_Rectifier), standardise(digits(seed)))


def layer_of_the_wrong_sign(seed: int) -> CaseDict:
    """A layer whose backward gives the weight's gradient the wrong sign."""
    torch.manual_seed(seed)
    model = nn.Sequential(_OwnLinear(30, 16), nn.Linear(16, 1))
    data = standardise(breast_cancer.breast_cancer(seed))
    return breast_cancer._with_adamw(model, data)


def error_of_the_wrong_sign(seed: int) -> CaseDict:
    """A squared error whose backward goes uphill."""

    def loss_fn(prediction: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = _Square.apply(prediction, target)
        return loss

    return {**diabetes.healthy(seed), "loss_fn": loss_fn}


def healthy_hand_written(seed: int) -> CaseDict:
    """Swish with a backward of its own that is right."""
    torch.manual_seed(seed)
    return digits_mlp._with_adam(_with(_Swish), standardise(digits(seed)))


def healthy_straight_through(seed: int) -> CaseDict:
    """Binary hidden units with a straight-through estimator, which train."""
    torch.manual_seed(seed)
    return digits_mlp._with_adam(_with(_Binary), standardise(digits(seed)), lr=3e-3)


def _with(function: type[torch.autograd.Function]) -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 128),
        _Apply(function),
        nn.Linear(128, 64),
        _Apply(function),
        nn.Linear(64, 10),
    )
