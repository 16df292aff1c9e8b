"""Probe of batch normalisation: over how many values its statistics are taken, and what is kept.

A mean of n values is known to 1/sqrt(n) of a deviation; the running mean with momentum m averages
about (2 - m)/m batches. What is left of the initial 0 and 1 at the end of training is
(1 - m)^steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.recording.operation import Op

if TYPE_CHECKING:
    from probes.running.examination import Examination

_NORMS: Final = nn.modules.batchnorm._BatchNorm


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `batchnorm.*`; nothing without batch normalisation that trains."""
    seen = {op.where: op for op in exam.recording.ops if op.name == "batch_norm" and op.inside}
    modules: dict[str, Any] = {
        path: module
        for path, module in exam.model.named_modules()
        if isinstance(module, _NORMS) and path not in exam.recording.evaluating
    }
    if not seen or not modules:
        return
    values = {path: _values(seen[path]) for path in modules if path in seen}
    if values:
        places = tuple(values)
        yield exam.observe("batchnorm.values", tuple(values.values()), places)
        yield exam.observe("batchnorm.values_min", min(values.values()))
    yield from _kept(exam, modules, values)
    if any(_positions(seen[path]) == 1 for path in values):
        yield from _last_batch(exam)


def _values(op: Op) -> int:
    """Return over how many values one statistic is taken."""
    return math.prod(op.shape[:1] + op.shape[2:])


def _positions(op: Op) -> int:
    return math.prod(op.shape[2:])


def _kept(
    exam: Examination, modules: Mapping[str, Any], values: Mapping[str, int]
) -> Iterator[Observation]:
    """Tell what the running statistics are made of."""
    tracked = {
        path: m for path, m in modules.items() if getattr(m, "running_mean", None) is not None
    }
    without = tuple(path for path in modules if path not in tracked)
    if without:
        yield exam.observe("batchnorm.untracked", (True,) * len(without), without)
    yield exam.observe("batchnorm.untracked_count", len(without))
    momenta = {path: m.momentum for path, m in tracked.items() if m.momentum is not None}
    if not momenta:
        return
    yield exam.observe("batchnorm.momentum", tuple(momenta.values()), tuple(momenta))
    steps = _planned_steps(exam)
    if steps is not None or min(momenta.values()) <= 0:
        left = [(1.0 - momentum) ** (steps or 1) for momentum in momenta.values()]
        yield exam.observe("batchnorm.initial_share", max(left))
    averaged = [
        values[path] * (2 - m) / m for path, m in momenta.items() if path in values and m > 0
    ]
    if averaged:
        yield exam.observe("batchnorm.values_averaged", min(averaged))


def _planned_steps(exam: Examination) -> int | None:
    try:
        return int(exam.case.epochs * len(exam.case.train_loader))  # type: ignore[operator]
    except TypeError:
        return None


def _last_batch(exam: Examination) -> Iterator[Observation]:
    """Tell whether the last batch of an epoch holds a single sample, which batch norm refuses."""
    loader = exam.case.train_loader
    size = getattr(loader, "batch_size", None)
    try:
        samples = len(loader.dataset)
    except (AttributeError, TypeError):
        return
    sampler = getattr(loader, "sampler", None)
    counted = len(sampler) if sampler is not None and hasattr(sampler, "__len__") else samples
    if isinstance(size, int) and size > 1:
        alone = counted % size == 1 and not getattr(loader, "drop_last", False)
        yield exam.observe("batchnorm.last_batch_of_one", alone)


PROBE = Probe(
    id="batch_norm",
    title=Text(en="Batch normalisation", zh="批归一化"),
    needs=(),
    provides=(
        "batchnorm.values",
        "batchnorm.values_min",
        "batchnorm.untracked",
        "batchnorm.untracked_count",
        "batchnorm.momentum",
        "batchnorm.initial_share",
        "batchnorm.values_averaged",
        "batchnorm.last_batch_of_one",
    ),
    cost=1,
    measure=measure,
)
