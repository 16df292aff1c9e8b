"""Several labels at once: is the digit even, prime, closed, large?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, digits, loaders

EVEN, PRIME, CLOSED, LARGE = {0, 2, 4, 6, 8}, {2, 3, 5, 7}, {0, 6, 8, 9}, {5, 6, 7, 8, 9}


def healthy(seed: int) -> CaseDict:
    """Four logits with BCEWithLogitsLoss, Adam, leaky ReLU."""
    torch.manual_seed(seed)
    return _case(_network(), nn.BCEWithLogitsLoss(), seed)


def softmax_over_labels(seed: int) -> CaseDict:
    """Softmax makes labels compete that may all be true, in front of BCELoss."""
    torch.manual_seed(seed)
    return _case(_network(nn.Softmax(dim=1)), nn.BCELoss(), seed)


def cross_entropy_of_many_labels(seed: int) -> CaseDict:
    """CrossEntropyLoss takes four independent answers for one distribution."""
    torch.manual_seed(seed)
    return _case(_network(), nn.CrossEntropyLoss(), seed)


def _network(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 64), nn.LeakyReLU(0.1), nn.Linear(64, 64), nn.LeakyReLU(0.1),
        nn.Linear(64, 4), *last,
    )  # fmt: skip


def attributes_of(labels: Tensor) -> Tensor:
    """Return the four attributes of digits (N,) as zeros and ones, float (N, 4)."""
    table = [[float(d in group) for group in (EVEN, PRIME, CLOSED, LARGE)] for d in range(10)]
    return torch.tensor(table)[labels]


def _case(model: nn.Module, loss_fn: nn.Module, seed: int) -> CaseDict:
    data = digits(seed)
    data = Split(
        data.x_train / 16, attributes_of(data.y_train), data.x_val / 16, attributes_of(data.y_val)
    )
    return {
        "model": model,
        "loss_fn": loss_fn,
        "optimizer": torch.optim.Adam(model.parameters(), lr=2e-3),
        "epochs": 12,
        **loaders(data, batch_size=32),
    }
