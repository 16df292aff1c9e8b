"""Networks that destroy what their inputs tell: an operation over an axis of length one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..changed import split_of, with_model
from ..data import CaseDict


class _NormedOneByOne(nn.Module):
    """GroupNorm with a group per unit on rows: each value is normalised by itself, to 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, 64)
        self.norm = nn.GroupNorm(64, 64)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.hidden(x)))
        return out


class _AttendsToOne(nn.Module):
    """A gate whose softmax runs over an axis that has just been added: all ones."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, 64)
        self.head = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.hidden(x).unsqueeze(1).softmax(dim=1).squeeze(1)
        out: Tensor = self.head(weights)
        return out


class _LayerNormedValues(nn.Module):
    """LayerNorm over a last axis of one: every value becomes the layer's bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, 64)
        self.norm = nn.LayerNorm(1)
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(64, outputs))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(self.hidden(x).unsqueeze(-1)).squeeze(-1)
        out: Tensor = self.head(normed)
        return out


def _with(case: CaseDict, kind: type[nn.Module], outputs: int) -> CaseDict:
    return with_model(case, kind(split_of(case).x_train.shape[1], outputs))


def group_norm_on_rows(case: CaseDict, outputs: int) -> CaseDict:
    """As many groups as units, and no positions."""
    return _with(case, _NormedOneByOne, outputs)


def softmax_over_an_added_axis(case: CaseDict, outputs: int) -> CaseDict:
    """`unsqueeze(1)` before `softmax(dim=1)`."""
    return _with(case, _AttendsToOne, outputs)


def layer_norm_over_one(case: CaseDict, outputs: int) -> CaseDict:
    """LayerNorm on a trailing axis of length one."""
    return _with(case, _LayerNormedValues, outputs)


def positions_along_the_batch(case: CaseDict, outputs: int) -> CaseDict:
    """A position encoding added along the batch axis, for models that take batches second."""
    return _with(case, _PlacedInBatch, outputs)


class _PlacedInBatch(nn.Module):
    """Adds learnt places, one for each row of the batch."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(512, inputs))
        self.net = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, outputs))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x + self.places[: len(x)])
        return out
