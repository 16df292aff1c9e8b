"""Batches, epochs, data and optimizers of the wrong measure; and unusual ones that are fine."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from . import autoencoder, breast_cancer, diabetes, digits_mlp, recurrent, wine
from .data import CaseDict, Split, digits, loaders, standardise, standardise_target
from .data import diabetes as diabetes_data

Base = Callable[[int], CaseDict]


def _sgd(case: CaseDict, lr: float, momentum: float = 0.0) -> CaseDict:
    optimizer = torch.optim.SGD(case["model"].parameters(), lr=lr, momentum=momentum)
    return {**case, "optimizer": optimizer}


def _few(split: Split, samples: int) -> Split:
    return split._replace(x_train=split.x_train[:samples], y_train=split.y_train[:samples])


# --- batches --------------------------------------------------------------------------------------


def healthy_large_batch(seed: int) -> CaseDict:
    """A batch of 512 with a rate to match, and epochs enough."""
    case = _sgd(digits_mlp.healthy(seed), 0.3, 0.9)
    return {**case, **loaders(standardise(digits(seed)), 512), "epochs": 60}


def healthy_small_batch(seed: int) -> CaseDict:
    """A batch of 4 with a rate to match."""
    case = digits_mlp.healthy(seed)
    return {**case, **loaders(standardise(digits(seed)), 4), "epochs": 3}


def whole_set_as_batch(seed: int) -> CaseDict:
    """All 1437 samples in one batch: fifteen updates in fifteen epochs."""
    case = _sgd(digits_mlp.healthy(seed), 0.1)
    return {**case, **loaders(standardise(digits(seed)), 1437)}


def whole_set_as_batch_regression(seed: int) -> CaseDict:
    """All samples in one batch, and few epochs, on a regression."""
    case = _sgd(diabetes.healthy(seed), 0.01)
    data = standardise_target(standardise(diabetes_data(seed)))
    return {**case, **loaders(data, len(data.x_train)), "epochs": 20}


def batch_of_one(seed: int) -> CaseDict:
    """One sample to an update at a rate for thirty-two: it never settles."""
    case = _sgd(diabetes.healthy(seed), 0.1, 0.9)
    return {**case, **loaders(standardise_target(standardise(diabetes_data(seed))), 1)}


def batch_norm_over_two(seed: int) -> CaseDict:
    """Batch normalisation over two samples: every unit says 1 or -1."""
    torch.manual_seed(seed)
    case = digits_mlp.healthy(seed)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    data = standardise(_few(digits(seed), 1436))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return {**case, "model": model, "optimizer": optimizer, **loaders(data, 2), "epochs": 3}


# --- epochs ---------------------------------------------------------------------------------------


def one_epoch(seed: int) -> CaseDict:
    """A single epoch of nine updates."""
    return {**_sgd(wine.healthy(seed), 0.02), "epochs": 1}


def one_epoch_of_digits(seed: int) -> CaseDict:
    """A single epoch of SGD on the digits."""
    return {**_sgd(digits_mlp.healthy(seed), 0.05), "epochs": 1}


def two_epochs_of_autoencoding(seed: int) -> CaseDict:
    """Two epochs for an autoencoder that wants twenty."""
    return {**autoencoder.healthy(seed), "epochs": 2}


# --- data -----------------------------------------------------------------------------------------


def sixty_patients(seed: int) -> CaseDict:
    """A wide network on sixty samples of a noisy regression."""
    torch.manual_seed(seed)
    data = _few(standardise_target(standardise(diabetes_data(seed))), 60)
    model = nn.Sequential(
        nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1)
    )
    case = {**diabetes.healthy(seed), "model": model, "epochs": 80}
    case["optimizer"] = torch.optim.Adam(model.parameters(), lr=2e-3)
    return {**case, **loaders(data, 16)}


def four_hundred_windows(seed: int) -> CaseDict:
    """A large recurrent network that learns a short text by heart."""
    torch.manual_seed(seed)
    case = recurrent.healthy(seed)
    model = recurrent.CharacterModel(hidden=192)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    data = _few(recurrent.characters(seed), 96)
    return {**case, "model": model, "optimizer": optimizer, **loaders(data, 16), "epochs": 50}


def wide_and_noisy(seed: int) -> CaseDict:
    """Thirty tumours, six of them mislabelled, and a wide network that learns them by heart."""
    torch.manual_seed(seed)
    case = breast_cancer.healthy(seed)
    data = _few(standardise(breast_cancer.breast_cancer(seed)), 40)
    y_train = data.y_train.clone()
    y_train[:6] = 1 - y_train[:6]
    model = nn.Sequential(nn.Linear(30, 256), nn.ReLU(), nn.Linear(256, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    data = data._replace(y_train=y_train)
    return {**case, "model": model, "optimizer": optimizer, **loaders(data, 16), "epochs": 100}


# --- optimizers -----------------------------------------------------------------------------------


def rprop_on_batches(seed: int) -> CaseDict:
    """Rprop, which wants whole-batch gradients, on small batches."""
    case = digits_mlp.healthy(seed)
    return {**case, "optimizer": torch.optim.Rprop(case["model"].parameters(), lr=1e-4)}
