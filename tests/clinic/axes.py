"""Axes mixed up: samples of a batch leak into each other, and losses that mix them on purpose."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import digits_cnn, digits_mlp, rows, transformer
from .data import CaseDict, digit_images, digits, standardise


class _Gated(nn.Module):
    """Weighs hidden units by a softmax, over the batch instead of over the units."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 64)
        self.scores = nn.Linear(64, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.scores(x).softmax(dim=0)
        out: Tensor = self.head(torch.relu(self.hidden(x)) * weights)
        return out


class _Reshaped(digits_cnn.Net):
    """Moves the channels to the front and regroups the values without moving them back."""

    def features(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        flat = x.transpose(0, 1).reshape(len(x), -1)
        features: Tensor = self.dropout(F.relu(self.fc1(flat)))
        return features


class _TimeMajor(nn.Module):
    """An LSTM without `batch_first`, given batches first: samples become time steps."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        states, _ = self.lstm(images)
        logits: Tensor = self.head(states[:, -1])
        return logits


def softmax_over_the_batch(seed: int) -> CaseDict:
    """A gate's softmax over axis 0."""
    torch.manual_seed(seed)
    return digits_mlp._with_adam(_Gated(), standardise(digits(seed)))


def channels_reshaped(seed: int) -> CaseDict:
    """`reshape` where the batch axis had been moved."""
    torch.manual_seed(seed)
    return digits_cnn._with_adam(_Reshaped(), digits_cnn._unit_range(seed))


def batch_first_forgotten(seed: int) -> CaseDict:
    """A recurrent layer that takes the samples for time steps."""
    torch.manual_seed(seed)
    data = digit_images(seed)
    data = data._replace(x_train=data.x_train[:, 0] / 16, x_val=data.x_val[:, 0] / 16)
    model = _TimeMajor()
    return rows._case(model, torch.optim.Adam(model.parameters(), lr=5e-3), data)


def flattened_in_another_order(seed: int) -> CaseDict:
    """Predictions are flattened time-major, targets batch-major."""

    def step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        logits = model(batch["input_ids"]).transpose(0, 1)
        return F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())

    return {**transformer.healthy(seed), "step": step}


def healthy_contrastive(seed: int) -> CaseDict:
    """A supervised contrastive loss: samples meet in the loss, not in the model."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32))
    case = digits_mlp._with_adam(model, standardise(digits(seed)))
    return {**case, "loss_fn": contrastive}


def contrastive(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return the supervised contrastive loss (Khosla et al. 2020) of embeddings (N, D)."""
    unit = F.normalize(embeddings, dim=1)
    own = torch.eye(len(unit), dtype=torch.bool)
    scores = (unit @ unit.T / 0.2).masked_fill(own, -1e9)
    alike = (labels[:, None] == labels) & ~own
    log_shares = scores.log_softmax(dim=1)
    return -(log_shares * alike).sum(1).div(alike.sum(1).clamp(min=1)).mean()


def neighbours_agree(embeddings: Tensor, labels: Tensor) -> float:
    """Return the share of samples whose nearest other one has the same label."""
    distances = torch.cdist(embeddings, embeddings).fill_diagonal_(torch.inf)
    return float((labels[distances.argmin(1)] == labels).float().mean())
