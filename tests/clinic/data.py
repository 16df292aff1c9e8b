"""The clinic's data: scikit-learn's bundled sets and one text, split and turned into tensors.

Nothing here is normalised: each base does that itself, as a user's script would, so that a fault
can leave it out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

CaseDict = dict[str, Any]
"""What a user's case function returns."""


class Split(NamedTuple):
    """Training and validation tensors, samples first."""

    x_train: Tensor
    y_train: Tensor
    x_val: Tensor
    y_val: Tensor


def digits(seed: int, samples: int = 1797) -> Split:
    """Return scikit-learn's 8x8 digits: float (N, 64) with pixels 0 to 16, labels int64 (N,)."""
    split = _classes("digits", seed)
    keep = int(samples * 0.8)
    return Split(split.x_train[:keep], split.y_train[:keep], split.x_val, split.y_val)


def digit_images(seed: int) -> Split:
    """Return the digits as float images (N, 1, 8, 8) with pixels 0 to 16."""
    x_train, y_train, x_val, y_val = _classes("digits", seed)
    return Split(x_train.view(-1, 1, 8, 8), y_train, x_val.view(-1, 1, 8, 8), y_val)


def digit_pairs(seed: int) -> Split:
    """Return pairs of digits (N, 128) in 0 to 16 and whether both show the same digit, (N, 1).

    Half of the pairs do. No linear model can tell, so this set shows a missing nonlinearity.
    """
    x_train, y_train, x_val, y_val = _classes("digits", seed)
    generator = torch.Generator().manual_seed(seed)
    train = _pairs(x_train, y_train, 4000, generator)
    val = _pairs(x_val, y_val, 800, generator)
    return Split(*train, *val)


def wine(seed: int) -> Split:
    """Return 13 measurements of wines, on scales from 0.1 to 1000, and one of three growers."""
    return _classes("wine", seed)


def breast_cancer(seed: int) -> Split:
    """Return 30 measurements of cell nuclei and 1.0 for benign, 0.0 for malignant, (N, 1)."""
    x_train, y_train, x_val, y_val = _classes("breast_cancer", seed)
    return Split(x_train, y_train.float()[:, None], x_val, y_val.float()[:, None])


def diabetes(seed: int) -> Split:
    """Return 10 measurements of patients and the progress of their disease, 25 to 346, (N, 1)."""
    x, y = _arrays("diabetes")
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=seed)
    return Split(x_train, y_train.float()[:, None], x_val, y_val.float()[:, None])


def standardise(split: Split) -> Split:
    """Return the split with each input column at mean 0 and deviation 1 on the training set.

    A column that never changes there is only centred, as scikit-learn's StandardScaler does it.
    """
    mean, std = split.x_train.mean(0), split.x_train.std(0)
    std = torch.where(std > 1e-6, std, 1.0)
    return split._replace(x_train=(split.x_train - mean) / std, x_val=(split.x_val - mean) / std)


def standardise_target(split: Split) -> Split:
    """Return the split with each target column at mean 0 and deviation 1 on the training set."""
    mean, std = split.y_train.mean(0), split.y_train.std(0)
    return split._replace(y_train=(split.y_train - mean) / std, y_val=(split.y_val - mean) / std)


def loaders(split: Split, batch_size: int = 32, shuffle: bool = True) -> CaseDict:
    """Return the two loaders of a case, as its `train_loader` and `val_loader`."""
    train = TensorDataset(split.x_train, split.y_train)
    val = TensorDataset(split.x_val, split.y_val)
    return {
        "train_loader": DataLoader(train, batch_size=batch_size, shuffle=shuffle),
        "val_loader": DataLoader(val, batch_size=batch_size),
    }


@cache
def alphabet() -> str:
    """Return the distinct characters of the text, sorted."""
    return "".join(sorted(set(_text())))


def characters(seed: int, length: int = 32, stride: int = 6) -> Split:
    """Return windows of the text as character ids (N, length) and the ids one character on."""
    ids = torch.tensor([alphabet().index(character) for character in _text()])
    cut = int(len(ids) * 0.9)
    train, val = _windows(ids[:cut], length, stride), _windows(ids[cut:], length, length)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    train = train[order]
    return Split(train[:, :-1], train[:, 1:], val[:, :-1], val[:, 1:])


@cache
def _text() -> str:
    return Path(__file__).with_name("lighthouse.txt").read_text(encoding="utf-8")


def _windows(ids: Tensor, length: int, stride: int) -> Tensor:
    return ids.unfold(0, length + 1, stride).contiguous()


def _pairs(x: Tensor, y: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    left = torch.randint(len(x), (count,), generator=generator)
    right = torch.randint(len(x), (count,), generator=generator)
    order = torch.argsort(y)
    place = torch.argsort(order)
    neighbour = order[(place + torch.randint(1, 100, (len(x),), generator=generator)) % len(x)]
    same = torch.arange(count) % 2 == 0
    right = torch.where(same, neighbour[left], right)
    return torch.cat([x[left], x[right]], dim=1), (y[left] == y[right]).float()[:, None]


@cache
def _arrays(name: str) -> tuple[Tensor, Tensor]:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def _classes(name: str, seed: int) -> Split:
    x, y = _arrays(name)
    x_train, x_val, y_train, y_val = train_test_split(
        x, y, test_size=0.2, random_state=seed, stratify=y
    )
    return Split(x_train, y_train.long(), x_val, y_val.long())
