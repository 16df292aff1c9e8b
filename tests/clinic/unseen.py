"""The held-out bases: nothing is tuned on them (see `held_out`)."""

from __future__ import annotations

import math

import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from .data import CaseDict, Split, loaders, standardise, standardise_target


def iris(seed: int) -> CaseDict:
    """Three irises from four measurements; an ELU network, Adam."""
    torch.manual_seed(seed)
    x, y = datasets.load_iris(return_X_y=True)
    parts = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y)
    x_train, x_val = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
    y_train, y_val = (torch.tensor(part) for part in parts[2:])
    model = nn.Sequential(nn.Linear(4, 24), nn.ELU(), nn.Linear(24, 24), nn.ELU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    data = standardise(Split(x_train, y_train, x_val, y_val))
    return _case(model, nn.CrossEntropyLoss(), optimizer, data, 12, 25)


class ResidualRegressor(nn.Module):
    """Four residual blocks with layer norm; columns (N, 10) to (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(10, 48)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 48))
            for _ in range(4)
        )
        self.head = nn.Linear(48, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        out: Tensor = self.head(x)
        return out


def friedman(seed: int) -> CaseDict:
    """Friedman's first function of ten columns, five of which are noise; AdamW, smooth L1."""
    torch.manual_seed(seed)
    x, y = datasets.make_friedman1(1000, noise=1.0, random_state=seed)
    inputs, target = torch.tensor(x).float(), torch.tensor(y).float()[:, None]
    data = Split(inputs[:800], target[:800], inputs[800:], target[800:])
    model = ResidualRegressor()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    data = standardise_target(standardise(data))
    return _case(model, nn.SmoothL1Loss(), optimizer, data, 25, 15)


def textures(seed: int) -> CaseDict:
    """Gratings of four directions in noise, three colours; a CNN with batch norm, SGD."""
    torch.manual_seed(seed)
    images, labels = _gratings(1200)
    data = Split(images[:1000], labels[:1000], images[1000:], labels[1000:])
    model = nn.Sequential(
        nn.Conv2d(3, 12, 5, padding=2, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24 * 9, 4),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    return _case(model, nn.CrossEntropyLoss(), optimizer, data, 50, 8)


class BracketReader(nn.Module):
    """An LSTM over symbols (N, T); returns the logit of being balanced, (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(2, 8)
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, symbols: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(symbols))
        logit: Tensor = self.head(states[:, -1])
        return logit


def brackets(seed: int) -> CaseDict:
    """Are there more opening than closing brackets among 15? Binary cross-entropy, Adam."""
    torch.manual_seed(seed)
    symbols = torch.randint(2, (1500, 15))
    label = (symbols.sum(1) > 7).float()[:, None]
    data = Split(symbols[:1200], label[:1200], symbols[1200:], label[1200:])
    model = BracketReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    return _case(model, nn.BCEWithLogitsLoss(), optimizer, data, 30, 10)


def _gratings(count: int) -> tuple[Tensor, Tensor]:
    labels = torch.randint(4, (count,))
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    angle = (labels.float() * math.pi / 4)[:, None, None]
    phase = torch.rand(count, 1, 1) * 2 * math.pi
    wave = (1.6 * (angle.cos() * columns + angle.sin() * rows) + phase).sin()
    colour = 0.5 + torch.rand(count, 3, 1, 1)
    images = wave[:, None] * colour + 0.5 * torch.randn(count, 3, 12, 12)
    return images, labels


def _case(
    model: nn.Module,
    loss_fn: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Split,
    batch_size: int,
    epochs: int,
) -> CaseDict:
    return {
        "model": model,
        "loss_fn": loss_fn,
        "optimizer": optimizer,
        "epochs": epochs,
        **loaders(data, batch_size),
    }
