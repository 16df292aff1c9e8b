"""A recurrent network that reads the digits as sequences of rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, digit_images, loaders


class RowReader(nn.Module):
    """An LSTM that reads images (N, 8, 8) row by row; returns logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 64, num_layers=2, batch_first=True, dropout=0.1)
        self.head = nn.Linear(64, 10)

    def forward(self, rows: Tensor) -> Tensor:
        states, _ = self.lstm(rows)
        logits: Tensor = self.head(states[:, -1])
        return logits


def healthy(seed: int) -> CaseDict:
    """A two-layer LSTM over the rows of the digits, Adam, inputs in [0, 1]."""
    torch.manual_seed(seed)
    data = digit_images(seed)
    data = data._replace(x_train=data.x_train[:, 0] / 16, x_val=data.x_val[:, 0] / 16)
    model = RowReader()
    return _case(model, torch.optim.Adam(model.parameters(), lr=5e-3), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 12,
        **loaders(data, batch_size=32),
    }
