"""Do two images show the same digit? A task that no linear model can do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, digit_pairs, loaders


class PythonList(nn.Module):
    """Keeps its hidden layers in a Python list: `parameters()` sees the head only."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(128, 64), nn.Linear(64, 64)]
        self.head = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        out: Tensor = self.head(x)
        return out


class Residual(nn.Module):
    """Eight residual blocks of width 64 with layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(128, 64)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64))
            for _ in range(8)
        )
        self.head = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        out: Tensor = self.head(x)
        return out


def healthy(seed: int) -> CaseDict:
    """Three ReLU layers, Adam."""
    torch.manual_seed(seed)
    return _with_adam(_network(nn.ReLU(), nn.ReLU()), _centred(seed))


def healthy_residual(seed: int) -> CaseDict:
    """A deep residual network with layer norm, AdamW."""
    torch.manual_seed(seed)
    model = Residual()
    return _case(model, torch.optim.AdamW(model.parameters(), lr=1e-3), _centred(seed))


def no_activations(seed: int) -> CaseDict:
    """Three linear layers with nothing between them."""
    torch.manual_seed(seed)
    return _with_adam(_network(), _centred(seed))


def layers_in_a_list(seed: int) -> CaseDict:
    """The hidden layers are in a Python list."""
    torch.manual_seed(seed)
    return _with_adam(PythonList(), _centred(seed))


def untrained_and_frozen(seed: int) -> CaseDict:
    """All but the head frozen, as in fine-tuning, but nothing was pretrained."""
    torch.manual_seed(seed)
    model = _network(nn.ReLU(), nn.ReLU())
    for layer in list(model)[:-1]:
        layer.requires_grad_(False)
    return _with_adam(model, _centred(seed))


def weights_lost_from_the_groups(seed: int) -> CaseDict:
    """Parameters sorted for weight decay, and only the group without it handed on."""
    torch.manual_seed(seed)
    model = _network(nn.ReLU(), nn.ReLU())
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    return _case(model, torch.optim.Adam(biases, lr=1e-3), _centred(seed))


def _network(*activations: nn.Module) -> nn.Sequential:
    first, second = activations[:1], activations[1:]
    return nn.Sequential(nn.Linear(128, 128), *first, nn.Linear(128, 64), *second, nn.Linear(64, 1))


def _centred(seed: int) -> Split:
    data = digit_pairs(seed)
    mean, std = data.x_train.mean(), data.x_train.std()
    return data._replace(x_train=(data.x_train - mean) / std, x_val=(data.x_val - mean) / std)


def _with_adam(model: nn.Module, data: Split) -> CaseDict:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return _case(model, torch.optim.Adam(trainable, lr=1e-3), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.BCEWithLogitsLoss(),
        "optimizer": optimizer,
        "epochs": 15,
        **loaders(data, batch_size=64),
    }
