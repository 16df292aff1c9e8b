"""Two classes from 30 measurements on very different scales."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, breast_cancer, loaders, standardise


def healthy(seed: int) -> CaseDict:
    """BCEWithLogitsLoss, 63 % of one class, AdamW."""
    torch.manual_seed(seed)
    return _with_adamw(_network(), standardise(breast_cancer(seed)))


def healthy_sigmoid(seed: int) -> CaseDict:
    """A sigmoid output with BCELoss, which belong together; RMSprop."""
    torch.manual_seed(seed)
    model = _network(nn.Sigmoid())
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    case = _case(model, optimizer, standardise(breast_cancer(seed)))
    return {**case, "loss_fn": nn.BCELoss()}


def healthy_weighted(seed: int) -> CaseDict:
    """A mild imbalance of one to four, answered by `pos_weight`."""
    torch.manual_seed(seed)
    data = breast_cancer(seed)
    keep = (data.y_train[:, 0] == 0).nonzero()[:70, 0]
    keep = torch.cat([keep, (data.y_train[:, 0] == 1).nonzero()[:, 0]])
    data = standardise(data._replace(x_train=data.x_train[keep], y_train=data.y_train[keep]))
    share = data.y_train.mean()
    case = _with_adamw(_network(), data)
    return {**case, "loss_fn": nn.BCEWithLogitsLoss(pos_weight=(1 - share) / share)}


def raw_features(seed: int) -> CaseDict:
    """Columns from 0.001 to 4000 straight into SGD."""
    torch.manual_seed(seed)
    model = _network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return _case(model, optimizer, breast_cancer(seed))


def missing_values(seed: int) -> CaseDict:
    """Some measurements are missing, NaN in the table."""
    torch.manual_seed(seed)
    data = standardise(breast_cancer(seed))
    x_train = data.x_train.clone()
    x_train[torch.rand_like(x_train) < 0.005] = torch.nan
    return _with_adamw(_network(), data._replace(x_train=x_train))


def logarithm_of_zero(seed: int) -> CaseDict:
    """Skewed columns taken to their logarithm, although some hold zeros."""
    torch.manual_seed(seed)
    data = breast_cancer(seed)
    data = data._replace(x_train=data.x_train.log(), x_val=data.x_val.log())
    finite = data.x_train.isfinite().all(dim=1)
    mean, std = data.x_train[finite].mean(0), data.x_train[finite].std(0)
    data = data._replace(x_train=(data.x_train - mean) / std, x_val=(data.x_val - mean) / std)
    return _with_adamw(_network(), data)


def sigmoid_twice(seed: int) -> CaseDict:
    """A sigmoid before the loss that applies its own."""
    torch.manual_seed(seed)
    model = _network(nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return _case(model, optimizer, standardise(breast_cancer(seed)))


def cross_entropy_of_one_output(seed: int) -> CaseDict:
    """CrossEntropyLoss with a single output: softmax over one class is always 1, the loss 0."""
    torch.manual_seed(seed)
    case = _with_adamw(_network(), standardise(breast_cancer(seed)))
    return {**case, "loss_fn": nn.CrossEntropyLoss()}


def labels_minus_one_and_one(seed: int) -> CaseDict:
    """Labels -1 and 1, as a support vector machine wants them."""
    torch.manual_seed(seed)
    data = standardise(breast_cancer(seed))
    data = data._replace(y_train=data.y_train * 2 - 1, y_val=data.y_val * 2 - 1)
    model = _network()
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.05), data)


def labels_one_and_two(seed: int) -> CaseDict:
    """Labels 1 and 2, as the table numbers its classes."""
    torch.manual_seed(seed)
    data = standardise(breast_cancer(seed))
    data = data._replace(y_train=data.y_train + 1, y_val=data.y_val + 1)
    return _with_adamw(_network(), data)


def five_ill_among_many(seed: int) -> CaseDict:
    """Five malignant samples among 285 benign ones: always saying benign is nearly right."""
    torch.manual_seed(seed)
    data = standardise(breast_cancer(seed))
    ill = (data.y_train[:, 0] == 0).nonzero()[:5, 0]
    well = (data.y_train[:, 0] == 1).nonzero()[:, 0]
    keep = torch.cat([ill, well])
    data = data._replace(x_train=data.x_train[keep], y_train=data.y_train[keep])
    model = _network()
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.01), data)


class _Threshold(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x > 0).float()


def step_activation(seed: int) -> CaseDict:
    """A unit that fires or does not: `(x > 0).float()` has no gradient."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(30, 4), _Threshold(), nn.Linear(4, 4), _Threshold(), nn.Linear(4, 1)
    )
    return _with_adamw(model, standardise(breast_cancer(seed)))


def _network(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1), *last
    )


def _with_adamw(model: nn.Module, data: Split) -> CaseDict:
    return _case(model, torch.optim.AdamW(model.parameters(), lr=2e-3), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.BCEWithLogitsLoss(),
        "optimizer": optimizer,
        "epochs": 20,
        **loaders(data, batch_size=16),
    }
