"""Fine-tuning: a backbone that learned attributes of the digits is used to name them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .attributes import attributes_of
from .data import CaseDict, Split, digits, loaders


class FineTuned(nn.Module):
    """A backbone and a new head; pixels (N, 64) to logits (N, 10)."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.backbone(x))
        return out


def healthy(seed: int) -> CaseDict:
    """The backbone is frozen on purpose, and only the head is in the optimizer."""
    torch.manual_seed(seed)
    model = FineTuned(pretrained(seed))
    model.backbone.requires_grad_(False)
    return _case(model, torch.optim.Adam(model.head.parameters(), lr=1e-2), seed)


def head_replaced_after_optimizer(seed: int) -> CaseDict:
    """The head is replaced after the optimizer was made: what is left to train is not in it."""
    torch.manual_seed(seed)
    model = FineTuned(pretrained(seed))
    model.backbone.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.head = nn.Linear(64, 10)
    return _case(model, optimizer, seed)


def pretrained(seed: int) -> nn.Sequential:
    """Return a backbone (N, 64) -> (N, 64) trained for a moment on the digits' attributes."""
    backbone = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
    head = nn.Linear(64, 4)
    optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=3e-3)
    data = _unit_range(seed)
    attributes = attributes_of(data.y_train)
    for _ in range(8):
        for x, y in DataLoader(TensorDataset(data.x_train, attributes), batch_size=64):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(head(backbone(x)), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    backbone.zero_grad()
    return backbone


def _unit_range(seed: int) -> Split:
    data = digits(seed)
    return data._replace(x_train=data.x_train / 16, x_val=data.x_val / 16)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 15,
        **loaders(_unit_range(seed), batch_size=32),
    }
