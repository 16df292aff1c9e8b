"""Probe of a short training run at the user's own settings: what happens in the first steps.

The same run on standardised inputs or targets tells whether the scale of the data is what stops it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.learning_rate import chance_of, surveyed
from probes.probe import Probe
from probes.training.answers import dead_share
from probes.training.short_training import (
    STEPS,
    Ground,
    Run,
    can_train,
    run,
    small_batches,
    survey,
)
from probes.training.standardised import (
    with_standard_both,
    with_standard_inputs,
    with_standard_targets,
)

if TYPE_CHECKING:
    from probes.running.examination import Examination

OWN_STEPS: Final = 60
FAR_ABOVE: Final = 0.5  # of the loss's scale: an end this far above the start is divergence
FLAT: Final = 1e-6  # of the loss's scale: below it a fall is rounding
HIGH: Final = 3.0  # times the suggested rate: from there on both are run equally long
MOVED: Final = 0.1  # of the loss: a suggested rate that brings less is no measure
WORLDS: Final = (
    ("standardised", with_standard_inputs),
    ("standardised_target", with_standard_targets),
    ("standardised_both", with_standard_both),
)


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `run.*`."""
    if not can_train(exam):
        return
    batches = small_batches(exam)
    ground = survey(exam, batches, chance_of(exam))
    if ground is None:
        yield exam.observe("run.diverged", True)
        yield exam.observe("run.nonfinite_step", 0)
        return
    dead: list[float | None] = []
    own = run(
        exam,
        ground,
        steps=OWN_STEPS,
        after=lambda: dead.append(dead_share(exam, ground.batches[0])),
    )
    exam.progress(0.4)
    yield from _course(exam, own, ground)
    if dead[0] is not None and math.isfinite(own.end):
        yield exam.observe("run.dead_share_max", dead[0])
    if own.answers is not None:
        yield exam.observe("run.output_varies_with_input", own.answers.variation)
    yield from _against_best(exam, own, ground)
    yield from _against_suggested(exam, own, ground)
    yield from _other_worlds(exam, batches)


def _course(exam: Examination, own: Run, ground: Ground) -> Iterator[Observation]:
    steps = tuple(str(number) for number in range(1, len(own.losses) + 1))
    yield exam.observe("run.losses", own.losses, steps)
    yield exam.observe("run.loss_start", ground.start)
    yield exam.observe("run.loss_end", own.end)
    yield exam.observe("run.relative_drop", own.drop(ground))
    yield exam.observe("run.noise", ground.noise / ground.scale)
    far = own.end > ground.start + FAR_ABOVE * ground.scale + 3 * ground.noise
    yield exam.observe("run.diverged", own.nonfinite_step is not None or far)
    if own.nonfinite_step is not None:
        yield exam.observe("run.nonfinite_step", own.nonfinite_step)
    if ground.chance is not None and ground.chance > 0:
        yield exam.observe("run.end_over_chance", own.end / ground.chance)
    rises = [rise for rise in ground.rises(own.losses) if math.isfinite(rise)]
    finite = [loss for loss in own.losses if math.isfinite(loss)]
    if len(rises) >= 10:
        yield exam.observe("run.loss_min", min(_smooth(finite)))
        yield exam.observe("run.oscillation", reversed_share(_smooth(rises)))
        wobble = float(torch.tensor(rises, dtype=torch.float64).diff().abs().median())
        yield exam.observe("run.step_change", wobble / ground.scale)


def _against_best(exam: Examination, own: Run, ground: Ground) -> Iterator[Observation]:
    best = exam.found.get("sweep.best_loss_drop")
    if best is None or not isinstance(best.value, float) or best.value <= 0:
        return
    brief = run(exam, ground, steps=STEPS)
    yield exam.observe("run.drop_over_best", brief.drop(ground) / best.value)
    if own.drop(ground) <= max(3 * ground.noise / ground.scale, FLAT):
        return
    needed = OWN_STEPS * best.value / own.drop(ground)
    yield exam.observe("run.steps_to_best_drop", needed)
    per_epoch = length(exam.case.train_loader)
    if per_epoch:
        yield exam.observe("run.epochs_to_best_drop", needed / per_epoch)


def _against_suggested(exam: Examination, own: Run, ground: Ground) -> Iterator[Observation]:
    """As many steps at the suggested rate, where that is far below the own one."""
    over, suggested = (
        exam.found.get(name) for name in ("learning_rate.over_suggested", "sweep.suggested_rate")
    )
    if over is None or suggested is None or float(over.value) < HIGH:  # type: ignore[arg-type]
        return
    lower = run(exam, ground, float(suggested.value), steps=OWN_STEPS)  # type: ignore[arg-type]
    drop = lower.drop(ground)
    if drop > max(MOVED, 3 * ground.noise / ground.scale):
        yield exam.observe("run.drop_over_suggested", own.drop(ground) / drop)


def length(loader: object) -> int | None:
    """Return the number of batches of an epoch, None where the loader does not know."""
    try:
        return len(loader)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def _other_worlds(exam: Examination, batches: list[Batch]) -> Iterator[Observation]:
    for name, prepared in WORLDS:
        changed = prepared(exam, batches)
        ground = None if changed is None else surveyed(exam, changed)
        if ground is None:
            continue
        other = run(exam, ground, steps=OWN_STEPS)
        drop = other.drop(ground)
        if ground.chance is not None and ground.chance > 0:
            yield exam.observe(f"run.end_over_chance_{name}", other.end / ground.chance)
            if name != "standardised":  # other targets, another loss: only chance compares
                drop = 1.0 - other.end / ground.chance
        yield exam.observe(f"run.drop_{name}", drop)
        exam.progress(0.8)


def reversed_share(values: list[float]) -> float:
    """Return the share of the total variation that is undone again: 0 for a steady course."""
    total = sum(abs(b - a) for a, b in itertools.pairwise(values))
    return 1.0 - abs(values[-1] - values[0]) / total if total > 0 else 0.0


def _smooth(values: list[float]) -> list[float]:
    return [sum(values[i : i + 5]) / 5 for i in range(len(values) - 4)]


PROBE = Probe(
    id="own_rate",
    title=Text(en="A short run at your own settings", zh="用您自己的设置短暂训练"),
    needs=("loss", "optimizer", "gradients"),
    provides=(
        "run.losses",
        "run.loss_start",
        "run.loss_end",
        "run.loss_min",
        "run.relative_drop",
        "run.noise",
        "run.diverged",
        "run.nonfinite_step",
        "run.oscillation",
        "run.step_change",
        "run.end_over_chance",
        "run.dead_share_max",
        "run.output_varies_with_input",
        "run.drop_over_best",
        "run.drop_over_suggested",
        "run.steps_to_best_drop",
        "run.epochs_to_best_drop",
        "run.drop_standardised",
        "run.drop_standardised_target",
        "run.drop_standardised_both",
        "run.end_over_chance_standardised",
        "run.end_over_chance_standardised_target",
        "run.end_over_chance_standardised_both",
    ),
    cost=320,
    measure=measure,
    usual=95,
    after=("learning_rate",),
)
