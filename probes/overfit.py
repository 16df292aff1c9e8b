"""Probe of the fit to a handful of samples: what cannot learn sixteen by heart has a fault.

Karpathy, "A recipe for training neural networks" (2019): overfit one batch; section 27 of the
"37 reasons". First at the user's own settings, then under the best conditions there are: a fresh
Adam, no dropout, standardised data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, call_model
from probes.optimizer import own_rate
from probes.probe import Probe
from probes.quantities.chance import chance_loss
from probes.quantities.perfect import perfect_loss
from probes.quantities.task import infer, loss_function
from probes.recording.recording import main_output
from probes.training.answers import without_dropout
from probes.training.few_samples import accuracy, few_samples
from probes.training.short_training import (
    can_train,
    losses_on,
    needs_closure,
    set_rate,
    step,
    step_with,
    train,
    training_mode,
)
from probes.training.standardised import with_standard_inputs, with_standard_targets

if TYPE_CHECKING:
    from probes.running.examination import Examination

STEPS: Final = 150
CHUNK: Final = 25  # steps between two looks at whether it fits
ADAM_RATES: Final = (1e-3, 1e-2)
FITTED_ACCURACY: Final = 0.95
FITTED_LOSS: Final = 0.05  # of what there was to lose
ADAM_LIKE: Final = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")


@dataclass(frozen=True, slots=True)
class Fit:
    """One attempt: loss before and after, and accuracy at the end where there are classes.

    `floor`: the lowest loss that can be reached. `reference`: the loss that counts as nothing
    learnt (of the best constant answer to these very samples, where known).
    """

    start: float
    end: float
    reference: float
    floor: float = 0.0
    accuracy: float | None = None

    @property
    def drop(self) -> float:
        """Return how much of the way from the start to the floor was gone, at most 1."""
        return _share(self.start - self.end, self.start - self.floor)

    @property
    def below_chance(self) -> float:
        """Return the same from the reference: at most 0 when only a constant was learnt."""
        return _share(self.reference - self.end, self.reference - self.floor)

    @property
    def fits(self) -> bool:
        """Return whether the samples are learnt by heart."""
        if self.accuracy is not None and self.accuracy >= FITTED_ACCURACY:
            return True
        return self.below_chance >= 1 - FITTED_LOSS


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `overfit.*`."""
    batch = few_samples(exam)
    if batch is None or not exam.recording.loss_has_graph:
        return
    yield exam.observe("overfit.samples", batch.size)
    own_steps = exam.case.optimizers and not any(map(needs_closure, exam.case.optimizers))
    own = _own_fit(exam, batch) if own_steps and can_train(exam) else None
    exam.progress(0.3)
    fits = [fit for fit in (own, *_best_fits(exam, batch, own)) if fit is not None]
    if own is not None:
        yield exam.observe("overfit.loss_start", own.start)
        yield exam.observe("overfit.loss_end", own.end)
        yield exam.observe("overfit.own_drop", own.drop)
        yield exam.observe("overfit.own_below_chance", own.below_chance)
        yield exam.observe("overfit.own_fits", own.fits)
    if not fits:
        return
    best = max(fits, key=lambda fit: (fit.fits, fit.below_chance))
    yield exam.observe("overfit.best_loss", best.end)
    yield exam.observe("overfit.best_drop", best.drop)
    yield exam.observe("overfit.best_below_chance", best.below_chance)
    yield exam.observe("overfit.fits", best.fits)
    known = [fit.accuracy for fit in fits if fit.accuracy is not None]
    if known:
        yield exam.observe("overfit.accuracy", max(known))


def _own_fit(exam: Examination, batch: Batch) -> Fit | None:
    with exam.training():
        set_rate(exam, own_rate(exam.case))
        return _attempt(exam, batch, lambda samples: step(exam, samples))


def _attempt(exam: Examination, batch: Batch, take_step: Callable[[Batch], Tensor]) -> Fit | None:
    """Train on the samples until they fit or the steps are over."""
    training_mode(exam.model)
    start = losses_on(exam, [batch])[0]
    target = batch.target_tensor
    chance = None if target is None else chance_loss(exam, [target])
    reference = start if chance is None else min(start, chance)
    floor = max(_floor(exam), perfect_loss(exam, target, loss_function(exam)))
    fit = Fit(start, start, reference, floor)
    for _ in range(STEPS // CHUNK):
        _, broken = train(exam, [batch], CHUNK, take_step=take_step)
        if broken is not None or not math.isfinite(start):
            return replace(fit, end=math.inf)
        fit = replace(fit, end=losses_on(exam, [batch])[0], accuracy=_accuracy(exam, batch))
        exam.progress(math.nan)
        if fit.fits:
            break
    return fit


def _accuracy(exam: Examination, batch: Batch) -> float | None:
    if batch.target_tensor is None or not infer(exam).has_classes:
        return None
    try:
        with without_dropout(exam.model), torch.no_grad():
            output = main_output(call_model(exam.model, batch.inputs))
    except Exception:  # only `step` knows how to call this model
        return None
    if output is None:
        return None
    return accuracy(exam, output, batch.target_tensor, loss_function(exam))


def _floor(exam: Examination) -> float:
    found = exam.found.get("loss.floor")
    return float(found.value) if found is not None and isinstance(found.value, float) else 0.0


def _share(gone: float, all_of_it: float) -> float:
    if math.isnan(gone) or math.isinf(gone):
        return -math.inf
    return min(gone / all_of_it, 1.0) if all_of_it > 0 else 0.0


def _best_fits(exam: Examination, batch: Batch, own: Fit | None) -> Iterator[Fit | None]:
    """Yield attempts under ever better conditions until one fits."""
    if own is not None and own.fits:
        return
    changed = [batch, *_prepared(exam, batch)]
    for number, samples in enumerate(changed):
        for rate in _rates(exam):
            fit = _fresh_fit(exam, samples, rate)
            yield fit
            exam.progress(0.3 + 0.35 * (number + 1) / len(changed))
            if fit is not None and fit.fits:
                return


def _prepared(exam: Examination, batch: Batch) -> Iterator[Batch]:
    """Yield the samples on standardised data where theirs are of an odd scale."""
    changed = with_standard_inputs(exam, [batch]) or [batch]
    changed = with_standard_targets(exam, changed) or changed
    if changed[0] is not batch:
        yield changed[0]


def _rates(exam: Examination) -> tuple[float, ...]:
    suggested = exam.found.get("sweep.suggested_rate")
    adaptive = {type(optimizer).__name__ for optimizer in exam.case.optimizers} <= set(ADAM_LIKE)
    if suggested is None or not exam.case.optimizers or not adaptive:
        return ADAM_RATES
    return (float(suggested.value), 1e-3, 3e-3)  # type: ignore[arg-type]


def _fresh_fit(exam: Examination, batch: Batch, rate: float) -> Fit | None:
    free = [parameter for parameter in exam.model.parameters() if parameter.requires_grad]
    if not free:
        return None
    with exam.training(), without_dropout(exam.model):
        optimizer = torch.optim.Adam(free, lr=rate)
        try:
            return _attempt(exam, batch, partial(step_with, exam, optimizer))
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError):
            return None  # changed data that the user's code refuses


PROBE = Probe(
    id="overfit",
    title=Text(en="Fitting a handful of samples", zh="能否拟合少量样本"),
    needs=("loss", "gradients"),
    provides=(
        "overfit.samples",
        "overfit.loss_start",
        "overfit.loss_end",
        "overfit.best_loss",
        "overfit.own_drop",
        "overfit.own_fits",
        "overfit.own_below_chance",
        "overfit.best_below_chance",
        "overfit.best_drop",
        "overfit.accuracy",
        "overfit.fits",
    ),
    cost=7 * STEPS,
    measure=measure,
    usual=130,
    after=("loss_input", "learning_rate"),
)
