"""Fully connected networks on the digits: one healthy base, and what goes wrong with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, digits, loaders, standardise


def healthy(seed: int) -> CaseDict:
    """ReLU network on standardised pixels (a few border pixels are constant), Adam."""
    torch.manual_seed(seed)
    return _with_adam(_network(), standardise(digits(seed)))


def learning_rate_ten(seed: int) -> CaseDict:
    """SGD with a learning rate of 10."""
    torch.manual_seed(seed)
    model = _network()
    return _case(model, torch.optim.SGD(model.parameters(), lr=10), standardise(digits(seed)))


def learning_rate_tiny(seed: int) -> CaseDict:
    """Adam with a learning rate that moves nothing."""
    torch.manual_seed(seed)
    return _with_adam(_network(), standardise(digits(seed)), lr=1e-7)


def zero_weights(seed: int) -> CaseDict:
    """Every weight starts at zero."""
    torch.manual_seed(seed)
    model = _network()
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    return _with_adam(model, standardise(digits(seed)))


def constant_weights(seed: int) -> CaseDict:
    """Every weight starts at the same value, so that all units of a layer stay the same."""
    torch.manual_seed(seed)
    model = _network()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.05)
    return _with_adam(model, standardise(digits(seed)))


def pixels_times_thousand(seed: int) -> CaseDict:
    """Pixels as 16-bit intensities, unscaled, with plain SGD."""
    torch.manual_seed(seed)
    data = digits(seed)
    data = data._replace(x_train=data.x_train * 1000, x_val=data.x_val * 1000)
    model = _network()
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.05), data)


def one_hidden_unit(seed: int) -> CaseDict:
    """A hidden layer of a single unit."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 1), nn.ReLU(), nn.Linear(1, 10))
    return _with_adam(model, standardise(digits(seed)))


def frozen_weights(seed: int) -> CaseDict:
    """A freezing loop that meant the backbone and took every weight."""
    torch.manual_seed(seed)
    model = _network()
    for name, parameter in model.named_parameters():
        if "weight" in name:
            parameter.requires_grad = False
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return _case(model, torch.optim.Adam(trainable), standardise(digits(seed)))


def all_frozen(seed: int) -> CaseDict:
    """`requires_grad_(False)` for an evaluation, never undone."""
    torch.manual_seed(seed)
    model = _network()
    model.requires_grad_(False)
    return _with_adam(model, standardise(digits(seed)))


def optimizer_of_another_model(seed: int) -> CaseDict:
    """The model is built again after the optimizer was made."""
    torch.manual_seed(seed)
    model = _network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model = _network()
    return _case(model, optimizer, standardise(digits(seed)))


class _Gate(nn.Module):
    """Passes `function` off as an activation."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.round(torch.sigmoid(x))


def rounded_activations(seed: int) -> CaseDict:
    """Hidden values are rounded to 0 or 1: no gradient passes."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 16), _Gate(), nn.Linear(16, 16), _Gate(), nn.Linear(16, 10))
    return _with_adam(model, standardise(digits(seed)))


def dead_units(seed: int) -> CaseDict:
    """Biases so negative that no hidden unit ever fires."""
    torch.manual_seed(seed)
    model = _network()
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.bias, -8.0)
    return _with_adam(model, standardise(digits(seed)))


def saturated_tanh(seed: int) -> CaseDict:
    """Tanh units fed with sums in the tens."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(),
        nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10),
    )  # fmt: skip
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -5, 5)
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.01), standardise(digits(seed)))


def dropout_nearly_all(seed: int) -> CaseDict:
    """`p` taken for the share to keep: 95 % of the units are dropped in each layer."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.95),
        nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.95), nn.Linear(64, 10),
    )  # fmt: skip
    return _with_adam(model, standardise(digits(seed)))


def weight_decay_huge(seed: int) -> CaseDict:
    """A weight decay of 1 with SGD: the weights shrink to nothing."""
    torch.manual_seed(seed)
    model = _network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1.0)
    return _case(model, optimizer, standardise(digits(seed)))


def class_number_as_target(seed: int) -> CaseDict:
    """One output and mean squared error against the number of the class."""
    torch.manual_seed(seed)
    data = standardise(digits(seed))
    data = data._replace(y_train=data.y_train.float()[:, None], y_val=data.y_val.float()[:, None])
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1)
    )
    case = _with_adam(model, data)
    return {**case, "loss_fn": nn.MSELoss(), "task": "classification", "num_classes": 10}


def nll_on_logits(seed: int) -> CaseDict:
    """NLLLoss on the raw outputs: the loss falls for ever and says nothing."""
    torch.manual_seed(seed)
    return {**_with_adam(_network(), standardise(digits(seed))), "loss_fn": nn.NLLLoss()}


def session_by_session(seed: int) -> CaseDict:
    """Recorded two classes at a time and never shuffled: batches are mixed, but not enough."""
    torch.manual_seed(seed)
    data = standardise(digits(seed))
    order = (data.y_train // 2).argsort(stable=True)
    data = data._replace(x_train=data.x_train[order], y_train=data.y_train[order])
    model = _network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return {**_case(model, optimizer, data), **loaders(data, batch_size=32, shuffle=False)}


def momentum_nearly_one(seed: int) -> CaseDict:
    """A momentum of 0.999: old gradients never fade."""
    torch.manual_seed(seed)
    model = _network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.999)
    return _case(model, optimizer, standardise(digits(seed)))


def shuffled_inputs(seed: int) -> CaseDict:
    """The inputs were shuffled, their labels were not."""
    torch.manual_seed(seed)
    data = standardise(digits(seed))
    data = data._replace(x_train=data.x_train[torch.randperm(len(data.x_train))])
    return _with_adam(_network(), data)


def _network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def _with_adam(model: nn.Module, data: Split, lr: float = 1e-3) -> CaseDict:
    return _case(model, torch.optim.Adam(model.parameters(), lr=lr), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 15,
        **loaders(data, batch_size=32),
    }
