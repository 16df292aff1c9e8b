"""Short runs of the user's own loop, as it is or with one thing changed, from the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from probes.case.batches import Batch
from probes.optimizer import own_rate
from probes.training.loop_notes import Watch
from probes.training.own_loop import watched
from probes.training.short_training import losses_on, set_rate, training_mode

if TYPE_CHECKING:
    from probes.running.examination import Examination

JUDGED: Final = 6  # batches on which a run is judged
SOARED: Final = 3.0  # times the loss's scale above its start


@dataclass(frozen=True, slots=True)
class Run:
    """A short run of the loop: drop of the loss as a share of its start, and whether it broke."""

    drop: float
    diverged: bool


def call(exam: Examination, batch: Batch) -> Any:
    """Call the user's step on a batch: one training step."""
    exam.count_steps(1)
    assert exam.case.step is not None
    return exam.case.step(exam.model, batch.for_step())


def run_of(
    exam: Examination,
    batches: Sequence[Batch],
    steps: int,
    *,
    rate: float = 1.0,
    unclipped: bool = False,
    fresh: bool = False,
    seen: Watch | None = None,
) -> Run | None:
    """Run the user's loop from the initial state at `rate` times its rate; `seen` takes notes.

    None where its loss is not finite to begin with.
    """
    with exam.restored("case"), exam.training():
        training_mode(exam.model)
        start = _standing(exam, batches)
        if not math.isfinite(start):
            return None
        scale, end = max(abs(start), 1e-12), start
        if rate != 1.0:
            set_rate(exam, rate * own_rate(exam.case))
        notes = watched(exam.case.optimizers, seen, unclipped=unclipped, fresh=fresh)
        with notes as watch:
            for index in range(steps):
                watch.begin_call()
                call(exam, batches[index % len(batches)])
                if index % 8 == 7 and _soared(watch, start, scale):
                    return Run(-math.inf, True)
        end = _standing(exam, batches)
    drop = (start - end) / scale
    return Run(drop if math.isfinite(drop) else -math.inf, not drop > -0.5)


def _soared(watch: Watch, start: float, scale: float) -> bool:
    last = [float(loss) for loss in watch.losses[-4:]]
    worst = max((loss - start) / scale for loss in last) if last else 0.0
    return not all(map(math.isfinite, last)) or worst > 30 * SOARED


def _standing(exam: Examination, batches: Sequence[Batch]) -> float:
    """Return the mean loss of a few batches, nothing being updated."""
    exam.count_steps(2)
    losses = losses_on(exam, batches[:JUDGED])
    return sum(losses) / len(losses)
