from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from probes.workers import PROBE
from tests.probes.observing import examination

Draw = Callable[[Any], Any]
AT_HOME = np.random.default_rng(0)  # a generator of the script, next to the data set


class Noisy(Dataset[tuple[Tensor, int]]):
    """Samples with noise from `draw`, which gets the data set itself."""

    def __init__(self, draw: Draw) -> None:
        self.own = np.random.default_rng(0)
        self.torch_own = torch.Generator().manual_seed(0)
        self.draw = draw

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.arange(4.0) + index + float(self.draw(self)), index % 2


class Lines(IterableDataset[tuple[Tensor, int]]):
    """Samples one after the other, shared out among the workers or not."""

    def __init__(self, *, shared_out: bool) -> None:
        self.shared_out = shared_out

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info and self.shared_out else (0, 1)
        for index in range(first, 64, step):
            yield torch.full((4,), float(index)), index % 2


def _facts(dataset: Any, workers: int = 2, **options: Any) -> dict[str, Any]:
    loader = DataLoader(dataset, 8, num_workers=workers, **options)
    exam = examination(nn.Linear(4, 2), loader, nn.functional.cross_entropy)  # type: ignore[arg-type]
    found = {seen.name: seen.value for seen in PROBE.measure(exam)}
    assert set(found) <= set(PROBE.provides)
    return {name.removeprefix("loader."): value for name, value in found.items()}


GLOBAL = {
    "numpy": lambda data: np.random.rand(),
    "python": lambda data: random.random(),
    "torch": lambda data: torch.rand(()),
}
KEPT = {
    "numpy": lambda data: data.own.random(),
    "torch": lambda data: torch.rand((), generator=data.torch_own),
    "script": lambda data: AT_HOME.random(),
}


@pytest.mark.parametrize("draw", GLOBAL.values(), ids=GLOBAL)
def test_global_generators_are_seeded_apart(draw: Draw) -> None:
    assert _facts(Noisy(draw)) == {
        "workers": 2,
        "draws_at_random": True,
        "workers_draw_alike": False,
        "epochs_draw_alike": False,
    }


@pytest.mark.parametrize("draw", KEPT.values(), ids=KEPT)
def test_a_generator_that_is_copied_into_the_workers_repeats(draw: Draw) -> None:
    seen = _facts(Noisy(draw))
    assert seen["workers_draw_alike"] is True
    assert seen["epochs_draw_alike"] is True


def test_a_fixed_seed_in_every_worker_repeats() -> None:
    seen = _facts(Noisy(GLOBAL["numpy"]), worker_init_fn=lambda number: np.random.seed(0))
    assert (seen["workers_draw_alike"], seen["epochs_draw_alike"]) == (True, True)
    apart = _facts(Noisy(GLOBAL["numpy"]), worker_init_fn=lambda number: np.random.seed(number))
    assert (apart["workers_draw_alike"], apart["epochs_draw_alike"]) == (False, True)


def test_a_generator_made_anew_in_each_worker_is_right() -> None:
    def start(number: int) -> None:
        info = get_worker_info()
        assert info is not None
        dataset.own = np.random.default_rng(torch.initial_seed())

    dataset = Noisy(KEPT["numpy"])
    before = dataset.own
    assert _facts(dataset, worker_init_fn=start)["workers_draw_alike"] is False
    assert dataset.own is before
    assert get_worker_info() is None


def test_the_mechanism_is_that_of_real_workers() -> None:
    """What the probe says of these data sets is what two worker processes really do."""
    for draw, alike in ((GLOBAL["numpy"], False), (KEPT["numpy"], True)):
        loader = DataLoader(Noisy(draw), 1, num_workers=2)
        first, second = (batch[0] for batch in list(loader)[:2])  # of worker 0 and of worker 1
        assert torch.allclose(first + 1, second) is alike


def test_what_is_never_random_cannot_repeat() -> None:
    assert _facts(Noisy(lambda data: 0.5)) == {"workers": 2, "draws_at_random": False}


def test_one_worker_has_nobody_to_repeat() -> None:
    assert _facts(Noisy(KEPT["numpy"]), workers=0) == {"workers": 0}


def test_workers_that_do_not_share_out_what_they_read_are_seen() -> None:
    assert _facts(Lines(shared_out=False))["workers_give_same_samples"] is True
    assert _facts(Lines(shared_out=True))["workers_give_same_samples"] is False


def test_a_worker_that_cannot_start_here_leaves_it_unknown() -> None:
    def start(number: int) -> None:
        raise OSError("no such device")

    assert _facts(Noisy(GLOBAL["numpy"]), worker_init_fn=start) == {"workers": 2}
