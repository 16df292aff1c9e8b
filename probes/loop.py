"""Probe of the training loop: what the user's own step does with its gradients.

The step is called a few times on one batch and watched: how often it goes backward, whether its
gradients are fresh, how much of them clipping leaves, what a GradScaler skips. Short runs of the
loop as it is and with one thing changed tell what that thing does.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import torch

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.optimizer import own_rate
from probes.probe import Probe
from probes.training.loop_notes import Update, Watch
from probes.training.loop_runs import Run, call, run_of
from probes.training.own_loop import watched
from probes.training.short_training import (
    needs_closure,
    small_batches,
    training_mode,
)

if TYPE_CHECKING:
    from probes.running.examination import Examination

CALLS: Final = 12  # of the step, watched
MOST_CALLS: Final = 34  # where no optimizer has stepped yet: accumulation may be long
UPDATES: Final = 40  # of a short run
LOWER: Final = (1.0, 0.1, 0.01)  # times the own rate, without clipping
SHRUNK: Final = 0.99  # of the gradient: less is clipped
MOST_CALLS_OF_A_RUN: Final = 200


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `loop.*`, and `amp.*` of a GradScaler."""
    if exam.case.step is None or any(map(needs_closure, exam.case.optimizers)):
        return
    watch = _watch(exam)
    own = watch.backwards > 0
    yield exam.observe("loop.goes_backward", own)
    if not (own or watch.updates):  # leaves both to its caller
        return
    yield exam.observe("loop.calls", watch.calls)
    yield exam.observe("loop.updates", len(watch.updates))
    yield exam.observe("loop.changes_weights", watch.changed)
    yield exam.observe("loop.zeroes_gradients", watch.zeroed > 0)
    yield from _scaling(exam, watch)
    if not (own and watch.updates):
        return
    yield from _gradients(exam, watch)
    exam.progress(0.2)
    yield from _scheduler(exam)
    yield from _consequences(exam, watch)


def _watch(exam: Examination) -> Watch:
    """Return what the step does in some calls, the weights being the same in each."""
    batch = small_batches(exam)[0]
    weights = list(exam.model.parameters())
    with exam.restored("case"), exam.training():
        training_mode(exam.model)
        before = [weight.detach().clone() for weight in weights]
        with watched(exam.case.optimizers) as watch:
            for number in range(MOST_CALLS):
                watch.begin_call()
                call(exam, batch)
                watch.changed |= _put_back(weights, before)
                if number + 1 >= CALLS and (len(watch.updates) > 2 or not watch.backwards):
                    break
    return watch


def _put_back(weights: Sequence[torch.Tensor], before: Sequence[torch.Tensor]) -> bool:
    """Give the weights their former values; returns whether they had changed."""
    with torch.no_grad():
        pairs = list(zip(weights, before, strict=True))
        changed = any(not torch.equal(weight, old) for weight, old in pairs)
        for weight, old in pairs:
            weight.copy_(old)
    return changed


def _gradients(exam: Examination, watch: Watch) -> Iterator[Observation]:
    updates = watch.updates
    stale = [update for update in updates if update.stale]
    yield exam.observe("loop.carries_gradients_over", bool(stale))
    ratios = [u.made / u.fresh for u in stale if u.fresh > 0 and math.isfinite(u.made)]
    if ratios:
        yield exam.observe("loop.gradient_over_fresh", ratios[-1])
    yield from _accumulation(exam, watch)


def _accumulation(exam: Examination, watch: Watch) -> Iterator[Observation]:
    """Several calls per update: are all gradients still there, and is their mean taken?"""
    later = watch.updates[1:] or watch.updates
    yield exam.observe("loop.batches_per_update", _calls(watch))
    if len({update.optimizer for update in later}) > 1 or _calls(watch) < 2:
        return
    kept = statistics.median(update.kept for update in later)
    yield exam.observe("loop.batches_kept_per_update", float(kept))
    averages = _averages(watch)
    if averages is not None:
        yield exam.observe("loop.averages_batches", averages)


def _calls(watch: Watch) -> float:
    return float(statistics.median(update.calls for update in watch.updates[1:] or watch.updates))


def _averages(watch: Watch) -> bool | None:
    """Return whether the mean over the calls of an update is taken; None where it has but one."""
    later, calls = watch.updates[1:] or watch.updates, _calls(watch)
    if calls < 2 or any(update.stale or update.kept != update.calls for update in later):
        return None
    left = statistics.median(_left(update) for update in later)
    return watch.divided >= 0.5 * calls or (not watch.bounds and left <= 1.5 / calls)


def _left(update: Update) -> float:
    return update.norm / update.made if update.made > 0 else 1.0


def _clipping(exam: Examination, watch: Watch) -> Iterator[Observation]:
    usable = [u for u in watch.updates if u.made > 0 and math.isfinite(u.made)]
    averaged = any(u.calls > 1 for u in usable) and not watch.bounds
    if not usable or averaged:
        return
    left = [_left(update) for update in usable]
    shrunk = [share for share in left if share < SHRUNK]
    yield exam.observe("loop.clips", bool(watch.bounds or shrunk))
    yield exam.observe("loop.clipped_share", len(shrunk) / len(left))
    yield exam.observe("loop.gradient_norm", statistics.median(u.made for u in usable))
    yield exam.observe("loop.gradient_left", statistics.median(left))
    if watch.bounds:
        yield exam.observe("loop.clip_bound", statistics.median(watch.bounds))
        yield exam.observe("loop.clips_scaled_gradients", watch.clips_scaled)


def _scaling(exam: Examination, watch: Watch) -> Iterator[Observation]:
    if watch.attempts:
        yield exam.observe("amp.skipped_share", watch.skipped / watch.attempts)
        yield exam.observe("amp.scale", watch.scale)


def _scheduler(exam: Examination) -> Iterator[Observation]:
    """How often the user's scheduler moves while the step is called."""
    scheduler, calls = exam.case.scheduler, 4
    count = getattr(scheduler, "last_epoch", None)
    if not isinstance(count, int):
        return
    batch = small_batches(exam)[0]
    with exam.restored("case"), exam.training():
        training_mode(exam.model)
        for _ in range(calls):
            call(exam, batch)
        moved = getattr(scheduler, "last_epoch", count) - count
    yield exam.observe("loop.scheduler_steps_per_batch", moved / calls)


# --- short runs -----------------------------------------------------------------------------------


def _consequences(exam: Examination, watch: Watch) -> Iterator[Observation]:
    """Run the loop as it is, and without what it does to its gradients."""
    calls, batches = int(_calls(watch)), small_batches(exam)
    steps = min(UPDATES * max(calls, 1), MOST_CALLS_OF_A_RUN)
    seen = Watch()
    own = run_of(exam, batches, steps, seen=seen)
    if own is None:
        return
    yield exam.observe("loop.drop", own.drop)
    yield exam.observe("loop.diverges", own.diverged)
    yield from _clipping(exam, seen)
    exam.progress(0.4)
    if seen.scale > 1:
        return
    stale, summed = any(u.stale for u in watch.updates), _averages(watch) is False
    if stale:
        yield from _told(exam, "zeroed", run_of(exam, batches, steps, fresh=True))
    elif summed:
        yield from _told(exam, "averaged", run_of(exam, batches, steps, rate=1 / calls))
    elif any(_left(u) < SHRUNK for u in seen.updates if u.made > 0) and _averages(watch) is None:
        yield from _unclipped(exam, batches, steps)


def _unclipped(exam: Examination, batches: Sequence[Batch], steps: int) -> Iterator[Observation]:
    runs = {}
    for share in LOWER:
        run = run_of(exam, batches, steps, rate=share, unclipped=True)
        if run is None:
            return
        runs[share] = run
        exam.progress(0.4 + 0.2 * len(runs))
    yield from _told(exam, "unclipped", runs[LOWER[0]])
    best = max(LOWER[1:], key=lambda share: runs[share].drop)
    yield exam.observe("loop.drop_at_lower_rate", runs[best].drop)
    yield exam.observe("loop.lower_rate", float(f"{best * own_rate(exam.case):.2g}"))


def _told(exam: Examination, how: str, run: Run | None) -> Iterator[Observation]:
    if run is not None:
        yield exam.observe(f"loop.drop_{how}", run.drop)
        yield exam.observe(f"loop.diverges_{how}", run.diverged)


PROBE = Probe(
    id="loop",
    title=Text(en="What your training step does", zh="训练步骤做了什么"),
    needs=("loss",),
    provides=(
        "loop.goes_backward",
        "loop.calls",
        "loop.updates",
        "loop.changes_weights",
        "loop.zeroes_gradients",
        "loop.carries_gradients_over",
        "loop.gradient_over_fresh",
        "loop.batches_per_update",
        "loop.batches_kept_per_update",
        "loop.averages_batches",
        "loop.clips",
        "loop.clipped_share",
        "loop.gradient_norm",
        "loop.gradient_left",
        "loop.clip_bound",
        "loop.clips_scaled_gradients",
        "loop.scheduler_steps_per_batch",
        "loop.drop",
        "loop.diverges",
        "loop.drop_zeroed",
        "loop.diverges_zeroed",
        "loop.drop_unclipped",
        "loop.diverges_unclipped",
        "loop.drop_at_lower_rate",
        "loop.lower_rate",
        "loop.drop_averaged",
        "loop.diverges_averaged",
        "amp.skipped_share",
        "amp.scale",
    ),
    cost=210,
    measure=measure,
    usual=12,
    about="step",
    after=("loss_at_start",),
)
