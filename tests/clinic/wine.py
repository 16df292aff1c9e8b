"""Three growers of wine from 13 measurements: a small set and a small tanh network."""

from __future__ import annotations

import torch
from torch import nn

from .data import CaseDict, Split, loaders, standardise, wine


def healthy(seed: int) -> CaseDict:
    """A list of batches as the loader, in the mixed order of the split; plain SGD."""
    torch.manual_seed(seed)
    data = standardise(wine(seed))
    case = _case(_network(), data)
    return {**case, "train_loader": list(loaders(data, 16, shuffle=False)["train_loader"])}


def raw_features(seed: int) -> CaseDict:
    """One column in the thousands drowns the others and saturates every unit."""
    torch.manual_seed(seed)
    return _case(_network(), wine(seed))


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))


def _case(model: nn.Module, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "epochs": 20,
        **loaders(data, batch_size=16),
    }
