"""Batch normalisation without the batches it needs, and dropout that never rests."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from . import diabetes, digits_cnn, digits_deep, digits_mlp
from .data import CaseDict, digits, loaders, standardise


class _AlwaysDropping(digits_cnn.Net):
    """F.dropout without the mode: it drops in evaluation too."""

    def features(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.dropout(F.relu(self.fc1(F.dropout(x.flatten(1), 0.6))), 0.6)


def batches_of_two(seed: int) -> CaseDict:
    """Batch norm over two samples."""
    torch.manual_seed(seed)
    data = standardise(digits(seed, samples=600))
    model = _normed(64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    case = digits_mlp._case(model, optimizer, data)
    return {**case, "epochs": 6, **loaders(data, batch_size=2)}


def batches_of_two_in_a_deep_network(seed: int) -> CaseDict:
    """Batch norm over two samples, layer after layer."""
    case = digits_deep.healthy(seed)
    train = case["train_loader"].dataset
    few = TensorDataset(*train[:600])
    return {**case, "epochs": 4, "train_loader": DataLoader(few, batch_size=2, shuffle=True)}


def one_sample_left_over(seed: int) -> CaseDict:
    """353 samples in batches of 32: the last batch of an epoch holds one."""
    torch.manual_seed(seed)
    case = diabetes.healthy(seed)
    model = _normed(10, 1)
    return {**case, "model": model, "optimizer": torch.optim.Adam(model.parameters(), lr=3e-3)}


def momentum_zero(seed: int) -> CaseDict:
    """Running statistics that never move from 0 and 1."""
    case = digits_cnn.healthy_batch_norm(seed)
    for module in case["model"].modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    return case


def dropout_in_evaluation(seed: int) -> CaseDict:
    """F.dropout drops whatever the mode."""
    torch.manual_seed(seed)
    return digits_cnn._with_adam(_AlwaysDropping(), digits_cnn._unit_range(seed))


def dropout_in_evaluation_mlp(seed: int) -> CaseDict:
    """The same in a fully connected network."""
    torch.manual_seed(seed)

    class Dropping(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(x, 0.5)

    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), Dropping(), nn.Linear(128, 64), nn.ReLU(), Dropping(),
        nn.Linear(64, 10),
    )  # fmt: skip
    return digits_mlp._with_adam(model, standardise(digits(seed)))


def healthy_untracked(seed: int) -> CaseDict:
    """Batch norm that keeps no running statistics, on purpose, with whole batches everywhere."""
    case = digits_cnn.healthy_batch_norm(seed)
    for module in case["model"].modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return case


def _normed(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.BatchNorm1d(64), nn.ReLU(),
        nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, outputs),
    )  # fmt: skip
