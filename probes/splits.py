"""Probe of training against validation and test data: same source, same preparation, no overlap?

Sections 14 and 15 of the "37 reasons", 3.0 and 3.1 of "why the loss does not fall". Where a data
set is held in tensors it is looked at as a whole, else the drawn samples speak for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from expert.language import Text
from expert.observation import Observation
from probes.association import LEAST, Table, table_of
from probes.case.batches import Batch
from probes.case.drawing import Limits, draw
from probes.data import input_kind
from probes.probe import Probe
from probes.quantities.cheap_models import transfer
from probes.quantities.stored import randomness, samples_of, size_of
from probes.quantities.tables import columns_of, rows_of, whole_rows
from probes.quantities.task import infer
from probes.quantities.two_samples import (
    exactly_spanning,
    exactly_standard,
    largest_gap,
    moved,
    natural_copies,
    nearest_unlike,
    tell_apart_rows,
    total_variation,
)
from probes.training.regrouped import alike

if TYPE_CHECKING:
    from probes.running.examination import Examination

_TEST: Final = Limits(batches=8, samples=2048, bytes=64 << 20, seconds=5.0)
_MOST: Final = 1500  # samples of a side whose moments are compared
_NORMALISED: Final = 0.99
_EXPECTED: Final = 15  # samples of a class in the training set: that none is there is no chance


@dataclass(frozen=True, slots=True)
class Side:
    """One set: flat `rows` (N, P), `pooled` rows, its batches.

    `complete`: it is all of the set; `fair`: it is at least not its first samples only.
    """

    batches: list[Batch]
    rows: Tensor
    pooled: Tensor
    complete: bool
    fair: bool
    total: int | None


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `splits.*`, `test_split.*` and `augmentation.randomness`."""
    yield from _sizes(exam)
    if input_kind(exam) != "continuous":
        return
    with exam.restored("all"):
        random = randomness(exam.case.train_loader)
    if random is not None:
        yield exam.observe("augmentation.randomness", random)
    train = _side(exam, exam.case.train_loader, exam.batches)
    if train is None:
        return
    exam.progress(0.2)
    val = _side(exam, exam.case.val_loader, exam.val_batches)
    if val is not None and val.rows.shape[1] == train.rows.shape[1]:
        yield from _contents(exam, "splits", train, val)
        exam.progress(0.6)
        yield from _carried_over(exam, train, val)
    test = _side(exam, exam.case.test_loader, _test_batches(exam))
    if test is not None and test.rows.shape[1] == train.rows.shape[1]:
        yield from _contents(exam, "test_split", train, test)
    others = [s for s in (val, test) if s is not None and s.rows.shape[1] == train.rows.shape[1]]
    yield from _preparation(exam, train, others)


def _sizes(exam: Examination) -> Iterator[Observation]:
    total = size_of(exam.case.train_loader)
    if total is not None:
        yield exam.observe("splits.training_samples", total)
    held_out = size_of(exam.case.val_loader)
    if held_out is not None:
        yield exam.observe("splits.validation_samples", held_out)


def _test_batches(exam: Examination) -> list[Batch]:
    loader = exam.case.test_loader
    if loader is None:
        return []
    with exam.restored("all"):
        loaders = [loader] if isinstance(loader, DataLoader) else []
        return draw(loader, exam.model, "test_loader", _TEST, loaders)


def _side(exam: Examination, loader: Any, drawn: Sequence[Batch]) -> Side | None:
    if not drawn:
        return None
    with exam.restored("all"):
        found = samples_of(loader, drawn, exam.model)
    batches = alike(found.batches)
    rows, pooled = whole_rows(batches), rows_of(batches)
    if rows is None or pooled is None or len(rows) < 8:
        return None
    return Side(batches, rows, pooled, found.complete, found.fair, size_of(loader))


def _contents(exam: Examination, name: str, train: Side, other: Side) -> Iterator[Observation]:
    """Give how the other set's inputs, labels and copies compare with the training set's."""
    yield from _copies(exam, name, train, other)
    if not (train.fair and other.fair):
        return
    finite = [side.pooled[torch.isfinite(side.pooled).all(1)] for side in (train, other)]
    if min(map(len, finite)) >= LEAST // 2 and finite[0].shape[1] == finite[1].shape[1]:
        found = moved(_some(finite[0]), _some(finite[1]))
        if found is not None:
            yield exam.observe(f"{name}.scale_ratio", found.scale)
            yield exam.observe(f"{name}.mean_shift", found.shift)
            yield exam.observe(f"{name}.shifted_share", found.share)
        area, rescaled = tell_apart_rows(_some(finite[0]), _some(finite[1]))
        yield exam.observe(f"{name}.told_apart", area)
        yield exam.observe(f"{name}.told_apart_rescaled", rescaled)
    yield from _labels(exam, name, train, other)


def _labels(exam: Examination, name: str, train: Side, other: Side) -> Iterator[Observation]:
    task = infer(exam)
    if task.kind == "class-index":  # the columns of both sets must mean the same classes
        joined = columns_of(task, [*train.batches, *other.batches])
        if joined is None:
            return
        one, two = joined[: len(train.rows)], joined[len(train.rows) :]
    else:
        found = columns_of(task, train.batches), columns_of(task, other.batches)
        if found[0] is None or found[1] is None or found[0].shape[1:] != found[1].shape[1:]:
            return
        one, two = found[0], found[1]
    if min(len(one), len(two)) < LEAST // 2:
        return
    if task.kind == "binary":
        one, two = torch.cat([1 - one, one], dim=1), torch.cat([1 - two, two], dim=1)
    if task.has_classes and task.kind != "multi-label":
        distance, chance = total_variation(one, two)
        unseen = (one.sum(0) == 0) & (two.mean(0) * len(one) > _EXPECTED)
        yield exam.observe(f"{name}.unseen_class_share", float(two[:, unseen].sum() / len(two)))
    else:
        gaps = [largest_gap(one[:, i], two[:, i]) for i in range(one.shape[1])]
        distance, chance = max(gaps)
    yield exam.observe(f"{name}.label_shift", distance)
    yield exam.observe(f"{name}.label_shift_p_value", chance)


def _copies(exam: Examination, name: str, train: Side, other: Side) -> Iterator[Observation]:
    """Give the share of the other set's samples that stand in the training set, too."""
    known = {row.tobytes() for row in train.rows.float().numpy()}
    theirs = [row.tobytes() for row in other.rows.float().numpy()]
    shared = sum(row in known for row in theirs)
    coverage = 1.0 if train.complete or not train.total else min(len(known) / train.total, 1.0)
    share = min(shared / len(theirs) / max(coverage, 1e-9), 1.0)
    # where inputs repeat by nature, rows of one set have copies in that very set, too
    repeated = 1 - len(set(theirs)) / len(theirs)
    natural = min(repeated * len(known) / len(theirs), 1.0)
    yield exam.observe(f"{name}.shared_samples", shared)
    yield exam.observe(f"{name}.shared_share", share)
    yield exam.observe(f"{name}.shared_by_nature", natural)
    yield exam.observe(f"{name}.copy_by_chance", natural_copies(other.rows[:_MOST]))
    unlike = nearest_unlike(train.rows) if shared else None
    if unlike is not None:
        yield exam.observe(f"{name}.nearest_unlike", unlike)


def _preparation(exam: Examination, train: Side, others: list[Side]) -> Iterator[Observation]:
    """Give on which samples the statistics of the preprocessing are exact."""
    yield exam.observe("splits.training_normalised_alone", _each_standard(train))
    if others:
        yield exam.observe("splits.validation_normalised_alone", _each_standard(others[0]))
    if not train.complete:
        return
    yield exam.observe("splits.statistics_of_training", exactly_standard(train.rows))
    if not others or not all(side.complete for side in others):
        return
    yield exam.observe("splits.statistics_of_validation", exactly_standard(others[0].rows))
    unions = [torch.cat([train.rows, *(s.rows for s in others[:n])]) for n in (1, len(others))]
    together = max(max(exactly_standard(rows), _spans(rows, train.rows)) for rows in unions)
    yield exam.observe("splits.statistics_of_everything", together)


def _spans(rows: Tensor, part: Tensor) -> float:
    """Return the share of columns that span 0..1 exactly, where those of `part` do not."""
    found, alone = exactly_spanning(rows), exactly_spanning(part)
    varying = int((rows.std(0) > 1e-6).sum())
    enough = int(found.sum()) >= 0.5 * varying and bool((found & ~alone).any())
    return float(found.sum()) / varying if enough and varying else 0.0


def _each_standard(side: Side) -> bool:
    return _standard_rows(side.rows) >= _NORMALISED


def _standard_rows(rows: Tensor) -> float:
    """Return the share of samples that are each at mean 0 and deviation 1 by themselves."""
    return exactly_standard(rows[:_MOST].T.contiguous()) if rows.shape[1] >= 8 else 0.0


def _carried_over(exam: Examination, train: Side, val: Side) -> Iterator[Observation]:
    """Give what cheap models trained on the training set explain of the validation set."""
    known, asked = table_of(exam, alike(exam.batches)), table_of(exam, alike(exam.val_batches))
    task = infer(exam)
    if known is None or asked is None or known.target.shape != (len(known.places), _width(asked)):
        return
    if task.kind == "class-index" and not _same_classes(exam):
        return
    gains = transfer(known.rows, known.target, asked.rows, asked.target)
    yield exam.observe("splits.carried_over", gains[0])
    yield exam.observe("splits.carried_over_rescaled", gains[1])


def _width(table: Table) -> int:
    return table.target.shape[1]


def _same_classes(exam: Examination) -> bool:
    sets = []
    for batches in (exam.batches, exam.val_batches):
        targets = [t for t in (batch.target_tensor for batch in batches) if t is not None]
        sets.append({int(label) for target in targets for label in target.reshape(-1).tolist()})
    return sets[0] == sets[1]


def _some(rows: Tensor) -> Tensor:
    """Return at most _MOST rows, evenly spaced."""
    if len(rows) <= _MOST:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, _MOST).long()]


_NAMES: Final = (
    "shared_samples",
    "shared_share",
    "shared_by_nature",
    "copy_by_chance",
    "nearest_unlike",
    "scale_ratio",
    "mean_shift",
    "shifted_share",
    "told_apart",
    "told_apart_rescaled",
    "label_shift",
    "label_shift_p_value",
    "unseen_class_share",
)

PROBE = Probe(
    id="splits",
    title=Text(en="Training data against validation data", zh="训练数据与验证数据的对照"),
    needs=(),
    provides=(
        "augmentation.randomness",
        "splits.training_samples",
        "splits.validation_samples",
        *(f"splits.{name}" for name in _NAMES),
        *(f"test_split.{name}" for name in _NAMES),
        "splits.training_normalised_alone",
        "splits.validation_normalised_alone",
        "splits.statistics_of_training",
        "splits.statistics_of_validation",
        "splits.statistics_of_everything",
        "splits.carried_over",
        "splits.carried_over_rescaled",
    ),
    cost=150,
    measure=measure,
    usual=0,
    seconds=0.15,
)
