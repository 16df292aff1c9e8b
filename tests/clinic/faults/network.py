"""What goes wrong with layers, their weights and what is learnt of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..changed import with_model
from ..data import CaseDict

_WEIGHTED = (nn.Linear, nn.Conv2d)


def layers_of(model: nn.Module) -> list[Any]:
    """Return the linear and convolution layers, first to last."""
    return [module for module in model.modules() if isinstance(module, _WEIGHTED)]


def hidden_biases(case: CaseDict, value: float) -> CaseDict:
    """Every hidden bias starts at `value`."""
    for layer in layers_of(case["model"])[:-1]:
        nn.init.constant_(layer.bias, value)
    return case


def weights_scaled(case: CaseDict, factor: float, hidden_only: bool = False) -> CaseDict:
    """All weights start `factor` times as large as they should."""
    layers = layers_of(case["model"])
    with torch.no_grad():
        for layer in layers[:-1] if hidden_only else layers:
            layer.weight *= factor
    return case


def weights_at(case: CaseDict, value: float) -> CaseDict:
    """Every weight and bias of the linear and convolution layers starts at one value."""
    for layer in layers_of(case["model"]):
        nn.init.constant_(layer.weight, value)
        nn.init.zeros_(layer.bias)
    return case


def matrices_normal(case: CaseDict, std: float) -> CaseDict:
    """Every weight matrix drawn from one normal distribution whatever its size."""
    for parameter in case["model"].parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=std)
    return case


def all_but_last_frozen(case: CaseDict) -> CaseDict:
    """Everything but the last layer frozen, though nothing was pretrained."""
    model: nn.Module = case["model"]
    model.requires_grad_(False)
    layers_of(model)[-1].requires_grad_(True)
    return with_model(case, model)


def all_frozen(case: CaseDict) -> CaseDict:
    """Everything frozen, and the optimizer was made before."""
    case["model"].requires_grad_(False)
    return case


def in_evaluation_mode(case: CaseDict) -> CaseDict:
    """`model.eval()` from the last check, never undone."""
    case["model"].eval()
    return case


class _Hidden(nn.Module):
    """Keeps its layers where `parameters()` does not look: in a dict or a list."""

    def __init__(self, layers: Sequence[nn.Module], head: nn.Module, keep: type) -> None:
        super().__init__()
        self.kept: Any = dict(enumerate(layers)) if keep is dict else list(layers)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.kept.values() if isinstance(self.kept, dict) else self.kept:
            x = layer(x)
        out: Tensor = self.head(x)
        return out


def layers_in(case: CaseDict, keep: type) -> CaseDict:
    """All layers but the last are kept in a Python list or dict."""
    *layers, head = list(case["model"])
    return with_model(case, _Hidden(layers, head, keep))


class _Then(nn.Module):
    """A model and a function of its output."""

    def __init__(self, model: nn.Module, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.model(x))


def softmax_added(case: CaseDict) -> CaseDict:
    """The model ends in a softmax, before a loss that has its own."""
    return with_model(case, _Then(case["model"], lambda out: out.softmax(dim=1)))


def ends_in(case: CaseDict, function: Callable[[Tensor], Tensor]) -> CaseDict:
    """The model ends in this function."""
    return with_model(case, _Then(case["model"], function))


def output_copied(case: CaseDict) -> CaseDict:
    """The output is made into a new tensor, which knows nothing of the weights."""

    def copied(out: Tensor) -> Tensor:
        return torch.tensor(out.tolist(), requires_grad=True)

    return with_model(case, _Then(case["model"], copied))


class _Between(nn.Module):
    """Applies a function to what passes between layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def before_last(case: CaseDict, function: Callable[[Tensor], Tensor]) -> CaseDict:
    """A function of what the last layer of a sequential model gets."""
    *layers, head = list(case["model"])
    return with_model(case, nn.Sequential(*layers, _Between(function), head))


def detached_before_last(case: CaseDict) -> CaseDict:
    """`.detach()` before the last layer: the others get no gradient."""
    return before_last(case, lambda x: x.detach())


def rounded_before_last(case: CaseDict) -> CaseDict:
    """Hidden values rounded to whole numbers."""
    return before_last(case, torch.round)


def dropping_always(case: CaseDict, p: float) -> CaseDict:
    """F.dropout, which does not know the mode, before the last layer."""
    return before_last(case, lambda x: F.dropout(x, p))


def without_activations(case: CaseDict) -> CaseDict:
    """No activation anywhere in a sequential model."""
    kinds = (nn.ReLU, nn.Tanh, nn.LeakyReLU, nn.GELU)
    kept = [module for module in case["model"] if not isinstance(module, kinds)]
    return with_model(case, nn.Sequential(*kept))


def mlp(
    case: CaseDict,
    widths: Sequence[int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    dropout: float = 0.0,
) -> CaseDict:
    """Another fully connected network: widths from inputs to outputs."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths[:-1]):
        layers += [nn.Linear(before, after), activation()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return with_model(case, nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1])))
