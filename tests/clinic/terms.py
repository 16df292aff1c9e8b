"""Losses of several terms, balanced and not, and metrics that notice nothing."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import breast_cancer, diabetes, digits_mlp
from .data import CaseDict, digits, standardise


class _TwoHeads(nn.Module):
    """Names a digit and draws it again from a narrow code; returns (logits, image)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 24), nn.ReLU())
        self.decoder = nn.Linear(24, 64)
        self.head = nn.Linear(24, 10)

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(x)
        return self.head(code), self.decoder(code)

    def forward(self, x: Tensor) -> Tensor:
        return self.both(x)[0]


def _two_heads(seed: int, weight: float) -> CaseDict:
    torch.manual_seed(seed)

    def step(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        logits, image = model.both(batch[0])
        return F.cross_entropy(logits, batch[1]) + weight * F.mse_loss(image, batch[0])

    model = _TwoHeads()
    data = standardise(digits(seed))
    case = digits_mlp._case(model, torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9), data)
    del case["loss_fn"]
    return {**case, "step": step}


def healthy_auxiliary(seed: int) -> CaseDict:
    """A reconstruction as auxiliary loss, well weighted."""
    return _two_heads(seed, 0.3)


def reconstruction_drowns_the_labels(seed: int) -> CaseDict:
    """The reconstruction is summed in 16-bit units: a thousand times as steep as the labels."""
    case = _two_heads(seed, 3000.0)
    optimizer = torch.optim.SGD(case["model"].parameters(), lr=3e-5, momentum=0.9)
    return {**case, "optimizer": optimizer}


def penalty_drowns_the_labels(seed: int) -> CaseDict:
    """An L1 penalty over all weights without a factor."""
    case = breast_cancer.healthy(seed)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(model(batch[0]), batch[1])
        return loss + sum(p.abs().sum() for p in model.parameters())

    del case["loss_fn"]
    return {**case, "step": step}


def penalty_drowns_the_error(seed: int) -> CaseDict:
    """A squared penalty over all weights, a hundred times too strong."""
    case = diabetes.healthy(seed)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss = F.mse_loss(model(batch[0]), batch[1])
        return loss + 30.0 * sum(p.square().sum() for p in model.parameters())

    del case["loss_fn"]
    return {**case, "step": step}


def healthy_small_penalty(seed: int) -> CaseDict:
    """An L1 penalty of the usual size, with an accuracy as the metric."""
    case = digits_mlp.healthy(seed)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss = F.cross_entropy(model(batch[0]), batch[1])
        return loss + 1e-5 * sum(p.abs().sum() for p in model.parameters())

    def metric(logits: Tensor, labels: Tensor) -> float:
        return float((logits.argmax(1) == labels).float().mean())

    del case["loss_fn"]
    return {**case, "step": step, "metric": metric}


def accuracy_that_broadcasts(seed: int) -> CaseDict:
    """An accuracy that compares every prediction with every label."""

    def metric(logits: Tensor, labels: Tensor) -> float:
        return float((logits.argmax(1, keepdim=True) == labels).float().mean())

    return {**digits_mlp.healthy(seed), "metric": metric}


def error_that_broadcasts(seed: int) -> CaseDict:
    """An error that compares every prediction with every target."""

    def metric(prediction: Tensor, target: Tensor) -> float:
        return float((prediction.squeeze(1) - target).abs().mean())

    return {**diabetes.healthy(seed), "metric": metric}
