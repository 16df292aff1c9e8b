"""Two spirals in the plane: which one a point lies on no linear model can tell."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from .data import CaseDict, Split, loaders


def healthy(seed: int) -> CaseDict:
    """Three tanh layers, Adam, cross-entropy of two logits."""
    torch.manual_seed(seed)
    return case_of(network(nn.Tanh), spirals(seed))


def no_activations(seed: int) -> CaseDict:
    """Three linear layers with nothing between them."""
    torch.manual_seed(seed)
    return case_of(network(nn.Identity), spirals(seed))


def two_hidden_units(seed: int) -> CaseDict:
    """Two units per layer for two spirals."""
    torch.manual_seed(seed)
    return case_of(network(nn.Tanh, 2), spirals(seed))


def network(activation: Callable[[], nn.Module], width: int = 48) -> nn.Sequential:
    """Return points (N, 2) to logits (N, 2)."""
    return nn.Sequential(
        nn.Linear(2, width), activation(), nn.Linear(width, width), activation(),
        nn.Linear(width, width), activation(), nn.Linear(width, 2),
    )  # fmt: skip


def spirals(seed: int, samples: int = 1200, turns: float = 1.0) -> Split:
    """Return points (N, 2) about 1 in size and the spiral each lies on, int64 (N,)."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.arange(samples) % 2
    along = torch.rand(samples, generator=generator).sqrt()
    angle = along * turns * 2 * math.pi + which * math.pi
    x = 2 * along[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    x = x + 0.06 * torch.randn(x.shape, generator=generator)
    cut = samples * 4 // 5
    order = torch.randperm(samples, generator=generator)
    x, which = x[order], which[order]
    return Split(x[:cut], which[:cut], x[cut:], which[cut:])


def case_of(model: nn.Module, data: Split) -> CaseDict:
    """Return the case of this model on this data."""
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=5e-3),
        "epochs": 30,
        **loaders(data, batch_size=32),
    }
