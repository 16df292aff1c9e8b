"""What goes wrong between the worker processes of a loader, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ..changed import batch_size, split_of
from ..data import CaseDict
from .data import Disturbed

NOISE = 0.2  # deviations of the inputs: mild augmentation


class OwnNoise(Disturbed):
    """Noise from a generator that the data set keeps, and every worker gets a copy of."""

    def __init__(self, x: Tensor, y: Tensor, noise: float) -> None:
        super().__init__(x, y, noise)
        self.rng = np.random.default_rng(0)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noise = self.rng.standard_normal(self.x[index].shape).astype(np.float32)
        return self.x[index] + self.noise * torch.from_numpy(noise), self.y[index]


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    """All samples in an order of its own, whichever worker asks."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(0))
        for index in order.tolist():
            yield self.x[index], self.y[index]


def noise_of_its_own(case: CaseDict) -> CaseDict:
    """Two workers with one generator between them, as copies."""
    split = split_of(case)
    held = OwnNoise(split.x_train, split.y_train, NOISE * float(split.x_train.std()))
    return {**case, "train_loader": _shuffled(held, case)}


def one_seed_for_all(case: CaseDict) -> CaseDict:
    """A worker_init_fn that seeds every worker alike, "to be reproducible"."""
    split = split_of(case)
    held = Disturbed(split.x_train, split.y_train, NOISE * float(split.x_train.std()))

    def start(number: int) -> None:
        torch.manual_seed(42)

    loader = DataLoader(held, batch_size(case), shuffle=True, num_workers=2, worker_init_fn=start)
    return {**case, "train_loader": loader}


def every_worker_reads_all(case: CaseDict) -> CaseDict:
    """A data set without indices that does not ask which worker it is in."""
    split = split_of(case)
    stream = Stream(split.x_train, split.y_train)
    return {**case, "train_loader": DataLoader(stream, batch_size(case), num_workers=2)}


def noise_in_two_workers(case: CaseDict) -> CaseDict:
    """Nothing wrong: torch seeds its own generator in every worker."""
    split = split_of(case)
    held = Disturbed(split.x_train, split.y_train, NOISE * float(split.x_train.std()))
    return {**case, "train_loader": _shuffled(held, case)}


def _shuffled(held: Disturbed, case: CaseDict) -> DataLoader[tuple[Tensor, Tensor]]:
    return DataLoader(held, batch_size(case), shuffle=True, num_workers=2)
