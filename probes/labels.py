"""Probe of the targets: what task they make, how labels spread over classes and batches.

The task is inferred from the targets, the model's output and the loss function that was seen;
`task` and `num_classes` of the case, where given, win.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.label_spread import class_facts, order_facts, spread_facts
from probes.quantities.moments import moments
from probes.quantities.task import IGNORED, Task, class_labels, infer, outputs_of, targets_of

if TYPE_CHECKING:
    from probes.running.examination import Examination

CLASSES_LISTED = 1000


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `task`, `target.*` and `loader.shuffles` over all drawn batches."""
    task = infer(exam)
    yield exam.observe("task", task.name)
    yield exam.observe("target.kind", task.kind)
    targets = targets_of(exam)
    if targets:
        yield from _values(exam, targets)
        exam.progress(0.5)
        yield from _classes(exam, task, targets)
        if task.name == "regression":
            yield from _columns(exam, targets)
            yield from order_facts(exam, targets)
    shuffles = random_order(exam.case.train_loader)
    if shuffles is not None:
        yield exam.observe("loader.shuffles", shuffles)


def _values(exam: Examination, targets: list[Tensor]) -> Iterator[Observation]:
    first = targets[0]
    yield exam.observe("target.dtype", str(first.dtype).removeprefix("torch."))
    yield exam.observe("target.shape", str(tuple(first.shape)))
    flat = torch.cat([target.detach().reshape(-1) for target in targets])
    if flat.is_complex():
        flat = torch.view_as_real(flat.resolve_conj()).reshape(-1)
    if not flat.is_floating_point():
        flat = flat[flat != IGNORED]
    finite = flat[torch.isfinite(flat)]
    yield exam.observe("target.nonfinite_share", 1.0 - finite.numel() / max(flat.numel(), 1))
    if finite.numel():
        found = moments([finite], 0)
        yield exam.observe("target.min", float(finite.min()))
        yield exam.observe("target.max", float(finite.max()))
        yield exam.observe("target.mean", found.overall_mean)
        yield exam.observe("target.std", found.overall_std)
        yield exam.observe("target.distinct", int(torch.unique(finite).numel()))


def _columns(exam: Examination, targets: list[Tensor]) -> Iterator[Observation]:
    columns = [t.detach().reshape(t.shape[0], -1) for t in targets if t.dim()]
    if not columns or len({column.shape[1] for column in columns}) != 1:
        return
    std = moments(columns, 1).std[:CLASSES_LISTED].cpu()
    where = tuple(f"target[{i}]" for i in range(std.numel()))
    yield exam.observe("target.column_std", tuple(std.tolist()), where=where)
    varying = std[std > 0]
    ratio = float(varying.max() / varying.min()) if varying.numel() > 1 else 1.0
    yield exam.observe("target.column_scale_ratio", ratio)


def _classes(exam: Examination, task: Task, targets: list[Tensor]) -> Iterator[Observation]:
    labels = class_labels(task, targets)
    outputs = outputs_of(exam, task)
    if task.kind == "class-index":
        seen = torch.cat([target.reshape(-1) for target in targets]).long()
        seen = seen[seen != IGNORED]
        limit = exam.case.num_classes if outputs is None else outputs
        if limit is not None and seen.numel():
            outside = (seen < 0) | (seen >= limit)
            share = float(outside.double().mean())
            yield exam.observe("target.outside_outputs_share", share)
            if share > 0:  # shares of misnumbered classes would mislead
                return
    classes = task.classes(exam, labels, outputs)
    if classes is None:
        return
    yield exam.observe("target.classes", classes)
    if task.name == "language-model" or classes > CLASSES_LISTED:
        return
    yield from class_facts(exam, task, targets, labels, classes)
    if labels is not None:
        yield from spread_facts(exam, task, labels)


def random_order(loader: object) -> bool | None:
    """Return whether the loader draws in random order, None when that cannot be known."""
    sampler = getattr(getattr(loader, "batch_sampler", None), "sampler", None)
    sampler = getattr(loader, "sampler", None) if sampler is None else sampler
    kinds = {kind.__name__ for kind in type(sampler).__mro__}
    if "DistributedSampler" in kinds:
        return bool(getattr(sampler, "shuffle", True))
    if kinds & {"RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler"}:
        return True
    sequential = kinds & {"SequentialSampler"}
    standard = type(getattr(loader, "batch_sampler", None)).__name__ in ("BatchSampler", "NoneType")
    return False if sequential and standard else None


PROBE = Probe(
    id="labels",
    title=Text(en="The targets", zh="目标（标签）"),
    needs=(),
    provides=(
        "task",
        "target.kind",
        "target.dtype",
        "target.shape",
        "target.min",
        "target.max",
        "target.mean",
        "target.std",
        "target.distinct",
        "target.nonfinite_share",
        "target.column_std",
        "target.column_scale_ratio",
        "target.classes",
        "target.class_share",
        "target.imbalance_ratio",
        "target.majority_share",
        "target.batch_mixing",
        "target.single_label_batch_share",
        "target.single_label_batch_expected",
        "target.outside_outputs_share",
        "loader.shuffles",
    ),
    cost=1,
    seconds=0.01,
    measure=measure,
)
