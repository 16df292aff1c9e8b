"""Small real cases for the tests of single probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from expert.observation import Observation
from probes.case.case import Case
from probes.probe import Probe
from probes.running.examination import Examination

torch.set_num_threads(1)
Made = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return 1797 images of 8 x 8 in 0..1 as rows, and their labels."""
    rows, labels = load_digits(return_X_y=True)
    return torch.tensor(rows / 16, dtype=torch.float32), torch.tensor(labels)


@cache
def tumours() -> tuple[Tensor, Tensor]:
    """Return 569 rows of 30 features of very different scale, and 0/1 labels (N,1)."""
    rows, labels = load_breast_cancer(return_X_y=True)
    return torch.tensor(rows, dtype=torch.float32), torch.tensor(labels[:, None]).float()


@cache
def diabetes() -> tuple[Tensor, Tensor]:
    """Return 442 standardised rows of 10 features, and targets of 25..346 (N,1)."""
    rows, targets = load_diabetes(return_X_y=True)
    return standard(torch.tensor(rows).float()), torch.tensor(targets[:, None]).float()


def standard(values: Tensor) -> Tensor:
    """Return the columns at mean 0 and deviation 1."""
    return (values - values.mean(0)) / values.std(0)


def mlp(*sizes: int, activation: type[nn.Module] = nn.ReLU, seed: int = 0) -> nn.Sequential:
    """Return linear layers of these sizes with activations between them."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def loader(*tensors: Tensor, size: int = 32, shuffle: bool = True) -> DataLoader[Any]:
    """Return a loader over rows of these tensors, shuffled the same way in every test."""
    generator = torch.Generator().manual_seed(0)
    return DataLoader(TensorDataset(*tensors), size, shuffle=shuffle, generator=generator)


def sgd(rate: float, **options: Any) -> Made:
    """Return what makes an SGD of this rate."""
    return lambda parameters: torch.optim.SGD(parameters, rate, **options)


def adam(rate: float) -> Made:
    """Return what makes an Adam of this rate."""
    return lambda parameters: torch.optim.Adam(parameters, rate)


def case(model: nn.Module, batches: Any, loss_fn: Any, optimizer: Made, **more: Any) -> Case:
    """Return a case of these parts."""
    made = optimizer(model.parameters())
    return Case(model=model, train_loader=batches, loss_fn=loss_fn, optimizer=made, **more)


def digits_case(optimizer: Made, model: nn.Module | None = None, **more: Any) -> Case:
    """Return digits with a small network and cross-entropy: a healthy case but for `optimizer`."""
    model = mlp(64, 32, 10) if model is None else model
    return case(model, loader(*digits()), nn.CrossEntropyLoss(), optimizer, **more)


def seen(given: Case, *probes: Probe) -> dict[str, Any]:
    """Return what the probes observe in a case, by name; each sees what those before it found."""
    exam = Examination(given)
    found: dict[str, Observation] = exam.found
    for probe in probes:
        for observation in probe.measure(exam):
            assert observation.name in probe.provides
            found[observation.name] = observation
    return {name: observation.value for name, observation in found.items()}
