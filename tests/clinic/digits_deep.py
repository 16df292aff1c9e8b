"""Deep fully connected networks on the digits, where the signal must survive many layers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, digits, loaders, standardise


def healthy(seed: int) -> CaseDict:
    """Twelve layers with batch norm, SGD with momentum, on raw pixels that the norm scales."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.BatchNorm1d(64)]
    for _ in range(12):
        layers += [nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return _case(model, optimizer, digits(seed))


def eval_mode(seed: int) -> CaseDict:
    """A deep network that needs its batch norm, left in evaluation mode by the last check."""
    case = healthy(seed)
    case["model"].eval()
    return case


def standard_normal_weights(seed: int) -> CaseDict:
    """`randn` weights in a deep network: the outputs start in the millions."""
    torch.manual_seed(seed)
    widths = [64, 256, 256, 256, 256, 256]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return _case(model, torch.optim.Adam(model.parameters(), lr=1e-3), standardise(digits(seed)))


def deep_sigmoid(seed: int) -> CaseDict:
    """Ten sigmoid layers: each takes at least three quarters of the gradient away."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.Linear(64, 64), nn.Sigmoid()]
    for _ in range(9):
        layers += [nn.Linear(64, 64), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    return _case(model, torch.optim.Adam(model.parameters(), lr=1e-3), standardise(digits(seed)))


class _SumOfAll(nn.Module):
    """Home-made dense connections: each layer gets the sum of all before it."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.stem = nn.Linear(64, 64)
        self.layers = nn.ModuleList(nn.Linear(64, 64) for _ in range(depth))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        states = [self.stem(x)]
        for layer in self.layers:
            total = torch.stack(states).sum(0)
            states.append(total + torch.relu(layer(total)))
        out: Tensor = self.head(states[-1])
        return out


def summed_states(seed: int) -> CaseDict:
    """Skip connections that add up and double the signal, and its gradient, at each layer."""
    torch.manual_seed(seed)
    model = _SumOfAll(depth=16)
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.01), standardise(digits(seed)))


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 15,
        **loaders(data, batch_size=32),
    }
