"""The course of losses and rates over a whole run, as facts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from expert.observation import Observation, Value
from probes.own_rate import reversed_share
from probes.watching.curve import Curve
from probes.watching.settings import ORIGIN

if TYPE_CHECKING:
    from probes.watching.watcher import Watcher

_LEAST: Final = 40  # losses before their course means anything
_FAR_ABOVE: Final = 0.5  # of the first loss: an end so far above it is divergence
_DEAD: Final = 0.01  # of the highest rate
_STEPS_OF_A_SCHEDULE: Final = 20
_PHASES: Final = 4


def _fact(name: str, value: Value) -> Observation:
    return Observation(name, value, (), ORIGIN)


def has_diverged(curve: Curve) -> bool:
    """Return whether the loss ends far above where it began."""
    if curve.count < _LEAST or not curve.means:
        return False
    start = curve.start()
    return curve.end() > start + _FAR_ABOVE * abs(start) + 3 * curve.noise()


def course_facts(curve: Curve, updates: int) -> Iterator[Observation]:
    """Give `run.*`: how the loss went."""
    if not curve.count:
        return
    yield _fact("loss.initial", curve.first)
    yield _fact("loss.initial_finite", math.isfinite(curve.first))
    if curve.first_nonfinite is not None and math.isfinite(curve.first):
        yield _fact("run.nonfinite_step", curve.first_nonfinite)
        yield _fact("run.diverged", True)
    if curve.count < _LEAST or not updates or not curve.means:
        return
    start, end, noise = curve.start(), curve.end(), curve.noise()
    yield _fact("run.loss_start", start)
    yield _fact("run.loss_end", end)
    yield _fact("run.loss_min", curve.lowest())
    scale = abs(start)
    if curve.first_nonfinite is None:
        yield _fact("run.diverged", has_diverged(curve))
    if scale > 0:
        yield _fact("run.relative_drop", (start - end) / scale)
        yield _fact("run.noise", noise / scale)
    yield _fact("run.oscillation", reversed_share(curve.means))


def fit_facts(watcher: Watcher) -> Iterator[Observation]:
    """Give `fit.*`: the training loss against that of batches never trained on."""
    fit = watcher.losses.chosen()
    phases = [p.curve for p in fit.phases if p.curve.count]
    fitted = fit.fitted.curve
    if len(phases) < _PHASES or fitted.count < _LEAST:
        return
    values = [sum(phase.means) / len(phase.means) for phase in phases if phase.means]
    if len(values) < _PHASES:
        return
    best = min(values)
    yield _fact("fit.train_loss_start", fitted.start())
    yield _fact("fit.train_loss_end", fitted.end())
    yield _fact("fit.val_loss_start", values[0])
    yield _fact("fit.val_loss_end", values[-1])
    yield _fact("fit.val_loss_best", best)
    yield from _gap(fitted.start(), fitted.end(), values)
    yield _fact("watch.evaluations", len(values))


def _gap(train_start: float, train_end: float, values: list[float]) -> Iterator[Observation]:
    """Give what `probes.generalisation` derives from its own run, in the same way."""
    first, best = values[0], min(values)
    gained = max(first - best, 0.1 * abs(first), 1e-12)
    end = statistics.median(values[-3:])
    yield _fact("fit.val_start_over_train", first / max(train_start, 1e-12))
    yield _fact("fit.train_drop", (train_start - train_end) / max(abs(train_start), 1e-12))
    yield _fact("fit.val_rise", max(end - best, 0.0) / gained)
    yield _fact("fit.gap", (values[-1] - train_end) / max(abs(first), 1e-12))


def schedule_facts(watcher: Watcher) -> Iterator[Observation]:
    """Give `schedule.*` of the optimizer with most steps, where its rate changes."""
    seen = max(watcher.updates.seen.values(), key=lambda seen: seen.steps, default=None)
    if seen is None or seen.steps < _STEPS_OF_A_SCHEDULE or len(seen.rates) < 2:
        return
    top = max(seen.rates)
    peak = 10.0 ** (top / 10)
    limit = top + 10 * math.log10(_DEAD)
    dead = sum(steps for level, steps in seen.rates.items() if level < limit)
    yield _fact("schedule.peak_rate", peak)
    yield _fact("schedule.end_over_peak", seen.rate / peak)
    if watcher.scheduler is not None:
        yield _fact("schedule.dead_share", dead / sum(seen.rates.values()))
