"""Probe of generalisation: training and validation loss over a short training at own settings.

Only where the whole training set can be held: on a part of it any network overfits.
Beside it: whether training ends while the loss still falls, whether another optimizer would get
much further, and how much of what was learnt is left when the validation inputs are changed a bit.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final

import torch
from torch.utils.data import DataLoader

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.case.drawing import Limits, draw
from probes.learning_rate import chance_of
from probes.optimizer import own_rate
from probes.overfit import ADAM_LIKE
from probes.own_rate import length
from probes.probe import Probe
from probes.quantities.perturbed import changed, changes_for
from probes.training.short_training import (
    STEPS,
    can_train,
    losses_on,
    set_rate,
    small_batches,
    step_with,
    survey,
    train,
    training_mode,
)

if TYPE_CHECKING:
    from probes.running.examination import Examination

MOST_UPDATES: Final = 360
MOST_EPOCHS: Final = 30  # where the case does not say how many
LOOKS: Final = 12
SHORT: Final = 150  # planned updates: so few are continued for as many again
LEARNT: Final = 0.8  # of the untrained validation loss, at most: something has been learnt
LOOKED_AT: Final = 8  # training batches on which the loss is told
WHOLE: Final = Limits(batches=4096, samples=4096, bytes=64 << 20, seconds=4.0)
ADAM_RATES: Final = (1e-3, 3e-3, 1e-2, 3e-2)


@dataclass(frozen=True, slots=True)
class _Look:
    """Both losses in evaluation mode after some updates."""

    updates: int
    train: float
    val: float

    @property
    def is_finite(self) -> bool:
        """Return whether both losses are finite."""
        return math.isfinite(self.train) and math.isfinite(self.val)


@dataclass(frozen=True, slots=True)
class _Sets:
    """All batches of the training and of the validation set."""

    train: list[Batch]
    val: list[Batch]

    def coming(self, done: int, count: int) -> list[Batch]:
        """Return the batches of the next `count` updates, in a new order each epoch."""
        size = len(self.train)
        return [self.train[_order(size, i // size)[i % size]] for i in range(done, done + count)]


@cache
def _order(size: int, epoch: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(epoch)
    return tuple(torch.randperm(size, generator=generator).tolist())


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `fit.*`."""
    if not can_train(exam):
        return
    yield from _against_adam(exam)
    exam.progress(0.2)
    sets = _Sets(_whole(exam, "train_loader"), _whole(exam, "val_loader"))
    per_epoch = len(sets.train)
    if not per_epoch or not sets.val:
        return
    planned = (exam.case.epochs or MOST_EPOCHS) * per_epoch
    looks, lost = _looks(exam, sets, planned)
    if all(look.is_finite for look in looks):
        yield from _pair(exam, [look for look in looks if look.updates <= planned], per_epoch)
        for name, share in lost.items():
            yield exam.observe(f"sensitivity.{name}", share)
        yield from _still_falling(exam, looks, planned)
        yield from _adam_as_long(exam, sets, looks[0].train, min(planned, looks[-1].updates))


def _whole(exam: Examination, name: str) -> list[Batch]:
    """Return all batches of a loader; none where there are too many of them."""
    loader = getattr(exam.case, name)
    drawn = exam.batches if name == "train_loader" else exam.val_batches
    batches = length(loader)
    if batches is None or loader is None or len(drawn) >= batches:
        return drawn if batches is not None else []
    if not isinstance(loader, DataLoader):
        return []
    with exam.restored("all"):
        drawn = draw(loader, exam.model, name, WHOLE, exam.loaders)
    return drawn if len(drawn) >= batches else []


def _looks(exam: Examination, sets: _Sets, planned: int) -> tuple[list[_Look], dict[str, float]]:
    """Train as planned, or as far as is affordable; twice as long where little is planned.

    Returns the losses on the way, and what the trained network loses when inputs are changed.
    """
    short = exam.case.epochs is not None and planned <= SHORT
    total = 2 * planned if short else min(planned, MOST_UPDATES)
    marks = sorted({round(total * i / (2 * LOOKS)) for i in range(1, 2 * LOOKS + 1)} | {planned})
    with exam.training():
        training_mode(exam.model)
        set_rate(exam, own_rate(exam.case))
        looks = [_look(exam, sets, 0)]
        for before, mark in zip([0, *marks], [m for m in marks if m <= total], strict=False):
            if mark == before:
                continue
            coming = sets.coming(before, mark - before)
            _, broken = train(exam, coming, len(coming))
            looks.append(_look(exam, sets, mark))
            exam.progress(0.2 + 0.8 * mark / total)
            if broken is not None or not looks[-1].is_finite:
                break
        return looks, _lost_by_change(exam, sets.val, looks[0].val, looks[-1].val)


def _lost_by_change(
    exam: Examination, val: Sequence[Batch], start: float, end: float
) -> dict[str, float]:
    """Return the share of what was learnt that is lost under each change of the inputs."""
    inputs = val[0].input_tensor
    if inputs is None or inputs is val[0].target_tensor or not end < LEARNT * start:
        return {}
    exam.model.eval()
    lost = {}
    with torch.no_grad():
        for name, change in changes_for(inputs).items():
            loss = _mean(exam, [changed(batch, change) for batch in val[:LOOKED_AT]])
            lost[name] = loss
        unchanged = _mean(exam, val[:LOOKED_AT])
    exam.count_steps(len(lost) + 1)
    learnt = start - unchanged
    known = {name: loss for name, loss in lost.items() if math.isfinite(loss) and learnt > 0}
    return {name: max(loss - unchanged, 0.0) / learnt for name, loss in known.items()}


def _look(exam: Examination, sets: _Sets, updates: int) -> _Look:
    modes = [(module, module.training) for module in exam.model.modules()]
    exam.model.eval()
    with torch.no_grad():
        losses = _mean(exam, sets.train[:LOOKED_AT]), _mean(exam, sets.val)
    for module, training in modes:
        module.training = training
    exam.count_steps(3)
    return _Look(updates, *losses)


def _mean(exam: Examination, batches: Sequence[Batch]) -> float:
    sizes = [batch.size for batch in batches]
    losses = losses_on(exam, batches)
    return sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)


def _pair(exam: Examination, looks: Sequence[_Look], per_epoch: int) -> Iterator[Observation]:
    first, last = looks[0], looks[-1]
    best = min(looks, key=lambda look: look.val)
    epochs = tuple(f"{look.updates / per_epoch:.4g}" for look in looks)
    yield exam.observe("fit.train_losses", tuple(look.train for look in looks), epochs)
    yield exam.observe("fit.val_losses", tuple(look.val for look in looks), epochs)
    yield exam.observe("fit.epochs", last.updates / per_epoch)
    yield exam.observe("fit.val_start_over_train", first.val / max(first.train, 1e-12))
    yield exam.observe("fit.train_loss_start", first.train)
    yield exam.observe("fit.train_loss_end", last.train)
    yield exam.observe("fit.val_loss_start", first.val)
    yield exam.observe("fit.val_loss_end", last.val)
    yield exam.observe("fit.val_loss_best", best.val)
    yield exam.observe("fit.best_at_epoch", best.updates / per_epoch)
    scale = max(abs(first.train), 1e-12)
    yield exam.observe("fit.train_drop", (first.train - last.train) / scale)
    gained = max(first.val - best.val, 0.1 * abs(first.val), 1e-12)
    end = statistics.median(look.val for look in looks[-3:])
    yield exam.observe("fit.val_rise", max(end - best.val, 0.0) / gained)
    yield exam.observe("fit.gap", (last.val - last.train) / max(abs(first.val), 1e-12))


def _still_falling(
    exam: Examination, looks: Sequence[_Look], planned: int
) -> Iterator[Observation]:
    """What as many updates again would still bring, where few are planned."""
    at_end = [look for look in looks if look.updates == planned]
    if not at_end or looks[-1].updates < 2 * planned:
        return
    first, end, later = looks[0], at_end[0], looks[-1]
    scale = max(abs(first.train), 1e-12)
    yield exam.observe("fit.planned_updates", planned)
    yield exam.observe("fit.drop_as_planned", (first.train - end.train) / scale)
    yield exam.observe("fit.drop_by_twice_as_long", (end.train - later.train) / scale)


def _against_adam(exam: Examination) -> Iterator[Observation]:
    """Adam at its best rate against the own optimizer at its own best rate."""
    kinds = {type(optimizer).__name__ for optimizer in exam.case.optimizers}
    best = exam.found.get("sweep.best_loss_drop")
    if best is None or kinds & set(ADAM_LIKE):
        return
    ground = survey(exam, small_batches(exam), chance_of(exam))
    free = [parameter for parameter in exam.model.parameters() if parameter.requires_grad]
    if ground is None or not free:
        return
    drops = []
    for rate in ADAM_RATES:
        with exam.training():
            training_mode(exam.model)
            take_step = partial(step_with, exam, torch.optim.Adam(free, lr=rate))
            _, broken = train(exam, ground.batches, STEPS, take_step=take_step)
            losses = [math.inf] if broken is not None else losses_on(exam, ground.judged)
        drops.append((ground.start - sum(losses) / len(losses)) / ground.scale)
        exam.progress(math.nan)
    drop = max(drops)
    if math.isfinite(drop) and drop > 0:
        yield exam.observe("fit.adam_drop", drop)
        yield exam.observe("fit.drop_over_adam", float(best.value) / drop)  # type: ignore[arg-type]
        yield exam.observe("fit.adam_rate", ADAM_RATES[drops.index(drop)])


def _adam_as_long(
    exam: Examination, sets: _Sets, start: float, updates: int
) -> Iterator[Observation]:
    """How far Adam gets in as many updates, at its usual rate."""
    kinds = {type(optimizer).__name__ for optimizer in exam.case.optimizers}
    if kinds & set(ADAM_LIKE):
        return
    free = [parameter for parameter in exam.model.parameters() if parameter.requires_grad]
    with exam.training():
        training_mode(exam.model)
        take_step = partial(step_with, exam, torch.optim.Adam(free, lr=ADAM_RATES[0]))
        coming = sets.coming(0, updates)
        _, broken = train(exam, coming, len(coming), take_step=take_step)
        end = math.inf if broken is not None else _look(exam, sets, updates).train
    if math.isfinite(end):
        yield exam.observe("fit.adam_train_drop", (start - end) / max(abs(start), 1e-12))


PROBE = Probe(
    id="generalisation",
    title=Text(en="Training against validation loss", zh="训练损失与验证损失的对比"),
    needs=("loss", "optimizer", "gradients"),
    provides=(
        "fit.train_losses",
        "fit.val_losses",
        "fit.epochs",
        "fit.val_start_over_train",
        "fit.train_loss_start",
        "fit.train_loss_end",
        "fit.val_loss_start",
        "fit.val_loss_end",
        "fit.val_loss_best",
        "fit.best_at_epoch",
        "fit.train_drop",
        "fit.val_rise",
        "fit.gap",
        "fit.planned_updates",
        "fit.drop_as_planned",
        "fit.drop_by_twice_as_long",
        "fit.adam_drop",
        "fit.drop_over_adam",
        "fit.adam_rate",
        "fit.adam_train_drop",
        "sensitivity.noise",
        "sensitivity.mirrored",
        "sensitivity.rotated",
    ),
    cost=2 * MOST_UPDATES + 2 * LOOKS * 3 + len(ADAM_RATES) * STEPS + 10,
    measure=measure,
    usual=420,
    after=("learning_rate",),
)
