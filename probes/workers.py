"""Probe of the loader's worker processes: do they repeat each other's random draws or samples?

Each worker works on a copy of the data set. PyTorch seeds the global generators of Python, NumPy
and torch anew in every worker and epoch; a generator that the data set keeps as an attribute, or a
`worker_init_fn` that sets a fixed seed, undoes that, and all workers draw the same numbers (the
"identical random numbers" of PyTorch's FAQ). An IterableDataset that does not ask which worker it
is in gives all of its samples once per worker. No process is started: the same samples are read as
worker 0 and worker 1 would, in this process, and everything is put back.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, IterDataPipe
from torch.utils.data._utils import worker as torch_worker

from expert.language import Text
from expert.observation import Observation
from probes.case.nested import map_tensors, tensors_in
from probes.probe import Probe
from probes.quantities.stored import size_of

if TYPE_CHECKING:
    from probes.running.examination import Examination

ITEMS: Final = 4  # of a data set with indices, read by each worker
ITERATED: Final = 8  # of one without
_BASE_SEEDS: Final = (7919, 104729)  # of two epochs; any two will do

Item = list[Tensor]


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `loader.workers*`."""
    loader = exam.case.train_loader
    if not isinstance(loader, DataLoader):
        return
    yield exam.observe("loader.workers", loader.num_workers)
    if loader.num_workers < 2 or isinstance(loader.dataset, IterDataPipe):
        return
    with exam.restored("all"):
        if isinstance(loader.dataset, IterableDataset):
            yield from _same_samples(exam, loader)
        else:
            yield from _same_draws(exam, loader)


def _same_draws(exam: Examination, loader: DataLoader[Any]) -> Iterator[Observation]:
    """Compare what the first two workers, and the first of two epochs, make of the same indices."""
    count = size_of(loader)
    if not count:
        return
    places = sorted(set(torch.linspace(0, count - 1, min(ITEMS, count)).long().tolist()))
    first, later, second, next_epoch = _readings(exam, loader, places)
    if first is None or later is None or not _comparable(first, later):
        return
    is_random = not _equal(first, later)
    yield exam.observe("loader.draws_at_random", is_random)
    if not is_random:
        return
    if second is not None and _comparable(first, second):
        yield exam.observe("loader.workers_draw_alike", _equal(first, second))
    if next_epoch is not None and _comparable(first, next_epoch) and not loader.persistent_workers:
        yield exam.observe("loader.epochs_draw_alike", _equal(first, next_epoch))


def _readings(
    exam: Examination, loader: DataLoader[Any], places: Sequence[int]
) -> tuple[list[Item] | None, ...]:
    """Return what worker 0 reads, what it reads the second time, worker 1, and the next epoch."""
    dataset: Any = loader.dataset

    def read() -> list[Item] | None:
        try:
            return [_tensors(dataset[place]) for place in places]
        except Exception:  # the user's own code; the loader may index it in a way not known here
            return None

    found: list[list[Item] | None] = []
    for number, base_seed in ((0, _BASE_SEEDS[0]), (1, _BASE_SEEDS[0]), (0, _BASE_SEEDS[1])):
        with _as_worker(exam, loader, number, base_seed) as started:
            found.append(read() if started else None)
            if number == 0 and base_seed == _BASE_SEEDS[0]:
                found.append(read() if started else None)
        exam.progress(len(found) / 4)
    return tuple(found)


def _same_samples(exam: Examination, loader: DataLoader[Any]) -> Iterator[Observation]:
    """Compare the first samples that the first two workers give of a data set without indices."""
    found: list[list[Item]] = []
    for number in (0, 1):
        with _as_worker(exam, loader, number, _BASE_SEEDS[0]) as started:
            if not started:
                return
            try:
                found.append([_tensors(item) for item in islice(iter(loader.dataset), ITERATED)])
            except Exception:  # the user's own code
                return
    first, second = found
    varied = len(first) > 1 and any(not _equal(first[:1], [item]) for item in first[1:])
    if varied and (not second or _comparable(first, second)):
        yield exam.observe("loader.workers_give_same_samples", _equal(first, second))


@contextmanager
def _as_worker(
    exam: Examination, loader: DataLoader[Any], number: int, base_seed: int
) -> Iterator[bool]:
    """Stand in a worker's place as torch's `_worker_loop` does; False where it would not start."""
    threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    with exam.restored("case"):
        seed = base_seed + number
        random.seed(seed)
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)
        before = torch_worker._worker_info
        torch_worker._worker_info = torch_worker.WorkerInfo(
            id=number, num_workers=loader.num_workers, seed=seed, dataset=loader.dataset
        )
        try:
            yield _started(loader, number)
        finally:
            torch_worker._worker_info = before
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            if cores is not None and os.sched_getaffinity(0) != cores:
                os.sched_setaffinity(0, cores)


def _started(loader: DataLoader[Any], number: int) -> bool:
    try:
        if loader.worker_init_fn is not None:
            loader.worker_init_fn(number)
    except Exception:  # it may need what only a process of its own has
        return False
    return True


def _tensors(item: Any) -> Item:
    """Return copies of an item's tensors: a data set may fill the same buffer again."""
    return [tensor.clone() for tensor in tensors_in(map_tensors(item, lambda tensor: tensor))]


def _comparable(first: Sequence[Item], second: Sequence[Item]) -> bool:
    return len(first) == len(second) and all(first) and all(second)


def _equal(first: Sequence[Item], second: Sequence[Item]) -> bool:
    """Return whether all tensors hold the same values; NaN is the same as NaN."""
    return len(first) == len(second) and all(
        len(a) == len(b) and all(map(_same, a, b)) for a, b in zip(first, second, strict=True)
    )


def _same(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return bool(((first == second) | ((first != first) & (second != second))).all())


PROBE = Probe(
    id="workers",
    title=Text(en="The loader's worker processes", zh="加载器的工作进程"),
    needs=(),
    provides=(
        "loader.workers",
        "loader.draws_at_random",
        "loader.workers_draw_alike",
        "loader.epochs_draw_alike",
        "loader.workers_give_same_samples",
    ),
    cost=2,
    measure=measure,
    usual=0.1,
)
