"""Drawing batches from the user's loader: bounded, in this process, each one checked.

Call it inside `unchanged` or `Examination.restored`: the loader's samplers, generators and
counters move while batches are drawn and are put back afterwards.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from expert.errors import UsageError
from expert.language import Text
from probes.case.batches import Batch, move, take_apart, tensors_in
from probes.case.user_code import running

# How a loader must be to be iterated without worker processes (see DataLoader.__iter__).
_IN_PROCESS: Final = {
    "num_workers": 0,
    "persistent_workers": False,
    "prefetch_factor": None,
    "timeout": 0,
    "pin_memory": False,
    "_iterator": None,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop drawing; whatever comes first. At least one batch is drawn."""

    batches: int = 32
    samples: int = 4096
    bytes: int = 256 << 20
    seconds: float = 10.0


def draw(
    loader: Any,
    model: nn.Module,
    name: str,
    limits: Limits,
    loaders: Iterable[DataLoader[Any]] = (),
) -> list[Batch]:
    """Return the first batches that `loader` gives, on the model's device.

    `name` is the loader's key in the case. `loaders` are the DataLoaders it is made of; their
    workers are not started. Raises UsageError for a loader that cannot be used, UserCodeError
    when its own code fails.
    """
    device = next(model.parameters()).device
    drawn: list[Batch] = []
    samples = size = 0
    started = time.monotonic()
    with _in_process(loaders):
        for raw in _iterate(loader, name):
            batch = _moved(take_apart(raw, model), device)
            _check(batch, raw, name)
            drawn.append(batch)
            samples += batch.size
            size += sum(part.numel() * part.element_size() for part in tensors_in(batch.raw))
            seconds = time.monotonic() - started
            full = len(drawn) >= limits.batches or samples >= limits.samples
            if full or size >= limits.bytes or seconds >= limits.seconds:
                break
    if not drawn:
        _refuse_empty(name)
    return drawn


@contextmanager
def _in_process(loaders: Iterable[DataLoader[Any]]) -> Iterator[None]:
    """Keep the loaders from starting, or disturbing, worker processes."""
    before = [(loader, loader.__dict__.copy()) for loader in loaders]
    for loader, _ in before:
        loader.__dict__.update(_IN_PROCESS)
    try:
        yield
    finally:
        for loader, attributes in before:
            loader.__dict__.clear()
            loader.__dict__.update(attributes)


def _iterate(loader: Any, name: str) -> Iterator[Any]:
    """Yield what the loader gives; what its code raises becomes a UserCodeError."""
    what = Text(en=f"Drawing a batch from `{name}`", zh=f"从 `{name}` 取批次时")
    with running(what):
        iterator = _fresh_iterator(loader, name)
    while True:
        with running(what):
            try:
                raw = next(iterator)
            except StopIteration:
                return
        yield raw


def _fresh_iterator(loader: Any, name: str) -> Iterator[Any]:
    _refuse_data(loader, name)
    if not hasattr(loader, "__iter__") and not hasattr(loader, "__getitem__"):
        if not callable(loader):
            _refuse_not_iterable(loader, name)
        return _fresh_from_function(loader, name)
    iterator: Iterator[Any] = iter(loader)
    if iterator is loader and _cannot_be_put_back(loader):
        _refuse_one_shot(loader, name)
    return iterator


def _cannot_be_put_back(iterator: Any) -> bool:
    """Return whether an iterator's position is out of reach.

    Generators and built-in iterators are; an object that counts in its own attributes is not.
    """
    attributes = getattr(iterator, "__dict__", None)
    return attributes is None or any(
        hasattr(value, "__next__") and iter(value) is value for value in attributes.values()
    )


def _fresh_from_function(function: Callable[[], Any], name: str) -> Iterator[Any]:
    first: Any = function()
    if isinstance(first, DataLoader):  # a copy, in case the function gives the same one each time
        first = copy.copy(first)
        first.__dict__.update(_IN_PROCESS)
    if not hasattr(first, "__iter__"):
        _refuse_not_iterable(first, f"{name}()")
    iterator: Iterator[Any] = iter(first)
    if iterator is first and function() is first:
        _refuse_one_shot(first, name)
    return iterator


def _moved(batch: Batch, device: torch.device) -> Batch:
    with running(Text(en=f"Moving a batch to {device}", zh=f"把批次移到 {device} 时")):
        return move(batch, device)


def _check(batch: Batch, raw: Any, name: str) -> None:
    if batch.has_tensors:
        return
    shown = _describe(raw)
    raise UsageError(
        en=f"`{name}` gives batches without tensors ({shown}): let it give tensors, for example"
        " pairs (inputs, targets), with a collate_fn or a transform such as ToTensor().",
        zh=f"`{name}` 给出的批次不含张量（{shown}）：请通过 collate_fn 或 ToTensor() 之类的变换"
        "给出张量，例如 (inputs, targets) 对。",
    )


def _describe(raw: Any) -> str:
    if isinstance(raw, list | tuple):
        kinds = [type(part).__name__ for part in raw[:4]]
        more = ", ..." if len(raw) > 4 else ""
        return f"{type(raw).__name__} of {', '.join(kinds) or 'nothing'}{more}"
    return type(raw).__name__


def _refuse_data(loader: Any, name: str) -> None:
    """Raise for data that is not in batches yet."""
    if isinstance(loader, Dataset) and not isinstance(loader, IterableDataset):
        raise UsageError(
            en=f"`{name}` is a Dataset, which gives single samples: wrap it in"
            " torch.utils.data.DataLoader(dataset, batch_size=...).",
            zh=f"`{name}` 是 Dataset，给出的是单个样本：请用"
            " torch.utils.data.DataLoader(dataset, batch_size=...) 包装它。",
        )
    tensors = isinstance(loader, torch.Tensor)
    pair = isinstance(loader, list | tuple) and len(loader) == 2
    if pair and all(isinstance(part, torch.Tensor) and part.dim() for part in loader):
        inputs, targets = loader
        same = inputs.shape == targets.shape and inputs.dtype == targets.dtype
        tensors = len(inputs) == len(targets) and not same
    if tensors:
        raise UsageError(
            en=f"`{name}` holds tensors, not batches: write [(inputs, targets)] or"
            " DataLoader(TensorDataset(inputs, targets), batch_size=...).",
            zh=f"`{name}` 是张量而不是批次：请写成 [(inputs, targets)] 或"
            " DataLoader(TensorDataset(inputs, targets), batch_size=...)。",
        )


def _refuse_not_iterable(loader: Any, name: str) -> NoReturn:
    kind = type(loader).__name__
    raise UsageError(
        en=f"`{name}` is a {kind}, which gives no batches: pass a DataLoader, a list of batches,"
        " or a function that returns a fresh iterator.",
        zh=f"`{name}` 的类型是 {kind}，无法给出批次：请传入 DataLoader、批次列表，"
        "或返回新迭代器的函数。",
    )


def _refuse_one_shot(loader: Any, name: str) -> NoReturn:
    kind = type(loader).__name__
    raise UsageError(
        en=f"`{name}` is a {kind} that can be read only once, so looking at it would use up your"
        " batches: pass a DataLoader, a list of batches, or a function that returns a fresh"
        " iterator.",
        zh=f"`{name}` 是只能读取一次的 {kind}，查看它会消耗您的批次：请传入 DataLoader、批次列表，"
        "或返回新迭代器的函数。",
    )


def _refuse_empty(name: str) -> NoReturn:
    raise UsageError(
        en=f"`{name}` gives no batch: check that its data set is not empty, and that drop_last"
        " does not drop its only batch.",
        zh=f"`{name}` 没有给出任何批次：请检查数据集是否为空，以及"
        " drop_last 是否丢掉了唯一的批次。",
    )
