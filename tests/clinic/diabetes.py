"""Regression: the progress of a disease from ten measurements. About half of it can be told."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .data import CaseDict, Split, diabetes, loaders, standardise, standardise_target


def healthy(seed: int) -> CaseDict:
    """Standardised inputs and target, mean squared error, Adam."""
    torch.manual_seed(seed)
    return _with_adam(_network(), _standardised(seed))


def healthy_huber(seed: int) -> CaseDict:
    """The target divided by 100 (mean 1.5, all positive), Huber loss, a softplus output, SGD."""
    torch.manual_seed(seed)
    data = standardise(diabetes(seed))
    data = data._replace(y_train=data.y_train / 100, y_val=data.y_val / 100)
    model = _network(nn.Softplus())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    return {**_case(model, optimizer, data), "loss_fn": nn.HuberLoss()}


def relu_output(seed: int) -> CaseDict:
    """A ReLU at the end, although the target, the logarithm of a share, is never positive."""
    torch.manual_seed(seed)
    data = standardise(diabetes(seed))
    data = data._replace(y_train=(data.y_train / 350).log(), y_val=(data.y_val / 350).log())
    return _with_adam(_network(nn.ReLU()), data)


def sigmoid_output(seed: int) -> CaseDict:
    """A sigmoid at the end, although the targets reach from 0.2 to 3.5."""
    torch.manual_seed(seed)
    data = standardise(diabetes(seed))
    data = data._replace(y_train=data.y_train / 100, y_val=data.y_val / 100)
    return _with_adam(_network(nn.Sigmoid()), data)


def target_times_hundred(seed: int) -> CaseDict:
    """The target in hundredths, up to 34600, with plain SGD: it blows up."""
    torch.manual_seed(seed)
    data = standardise(diabetes(seed))
    data = data._replace(y_train=data.y_train * 100, y_val=data.y_val * 100)
    model = _network()
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.01), data)


def raw_target(seed: int) -> CaseDict:
    """The target as it is, 25 to 346, with Adam: it takes for ever to get there."""
    torch.manual_seed(seed)
    return {**_with_adam(_network(), standardise(diabetes(seed))), "epochs": 10}


def broadcast_in_mse(seed: int) -> CaseDict:
    """Predictions (N, 1) against targets (N,): the loss compares everything with everything."""
    torch.manual_seed(seed)
    return {**_with_adam(_network(), _flat_target(seed)), "loss_fn": F.mse_loss}


def broadcast_by_hand(seed: int) -> CaseDict:
    """The same mistake in a loss written by hand, where nothing warns."""
    torch.manual_seed(seed)

    def mean_absolute_error(prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - target).abs().mean()

    return {**_with_adam(_network(), _flat_target(seed)), "loss_fn": mean_absolute_error}


def _network(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), *last
    )


def _standardised(seed: int) -> Split:
    return standardise_target(standardise(diabetes(seed)))


def _flat_target(seed: int) -> Split:
    data = _standardised(seed)
    return data._replace(y_train=data.y_train[:, 0], y_val=data.y_val[:, 0])


def _with_adam(model: nn.Module, data: Split) -> CaseDict:
    return _case(model, torch.optim.Adam(model.parameters(), lr=1e-3), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.MSELoss(),
        "optimizer": optimizer,
        "epochs": 20,
        **loaders(data, batch_size=16),
    }
