"""A residual network with batch norm on the digits, and one that is pretrained on attributes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .attributes import attributes_of
from .data import CaseDict, Split, digit_images, loaders


class Block(nn.Module):
    """Two convolutions with batch norm around which the input goes unchanged or projected."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Conv2d(before, after, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


class ResNet(nn.Module):
    """A stem, two blocks and a head; images (N, 1, 8, 8) to logits (N, outputs)."""

    def __init__(self, width: int = 16, outputs: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Block(width, width), Block(width, 2 * width, 2))
        self.head = nn.Linear(2 * width, outputs)

    def features(self, x: Tensor) -> Tensor:
        """Return the pooled features, (N, 2 * width)."""
        x = F.relu(self.norm(self.stem(x)))
        return self.blocks(x).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits


def healthy(seed: int) -> CaseDict:
    """SGD with Nesterov momentum and weight decay, a cosine schedule, standardised pixels."""
    torch.manual_seed(seed)
    return _case(ResNet(), _centred(seed))


class _Resting(ResNet):
    """Everything but the head rests: no gradients, and batch norm keeps what it has learnt."""

    def train(self, mode: bool = True) -> _Resting:
        super().train(mode)
        for part in (self.stem, self.norm, self.blocks):
            part.eval()
        return self


def healthy_fine_tuning(seed: int) -> CaseDict:
    """A new head on a resting network that learned the digits' attributes; Adam."""
    torch.manual_seed(seed)
    model = _Resting()
    model.load_state_dict(pretrained(seed).state_dict())
    model.requires_grad_(False)
    model.head.requires_grad_(True)
    model.train()
    optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-2)
    return {**_plain(model, _centred(seed)), "optimizer": optimizer}


def pretrained(seed: int) -> ResNet:
    """Return a network trained on the attributes of centred digits, with a new head."""
    model = ResNet(outputs=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    data = _centred(seed)
    set_ = TensorDataset(data.x_train, attributes_of(data.y_train))
    for _ in range(3):
        for x, y in DataLoader(set_, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    model.zero_grad()
    model.head = nn.Linear(model.head.in_features, 10)
    return model


def _centred(seed: int) -> Split:
    data = digit_images(seed)
    mean, std = data.x_train.mean(), data.x_train.std()
    return data._replace(x_train=(data.x_train - mean) / std, x_val=(data.x_val - mean) / std)


def _case(model: nn.Module, data: Split) -> CaseDict:
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    return {**_plain(model, data), "optimizer": optimizer, "scheduler": scheduler}


def _plain(model: nn.Module, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "epochs": 8,
        **loaders(data, batch_size=32),
    }
