"""One short training of a case, treated or not, judged before, on the way, and after."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from probes.case.batches import Batch
from probes.case.objective import as_loss
from probes.optimizer import groups, own_rate
from probes.running.examination import Examination
from probes.training.short_training import refuse_closures, set_rate, step, train
from probes.trials.loops import goes_backward
from probes.trials.standing import BROKEN, Standing, judge, spread

STEPS: Final = 200
FEWEST: Final = 20
_TIMED: Final = 8  # steps, to tell how many there is time for


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train: at most `steps`, fewer where they would take more than `seconds`."""

    steps: int = STEPS
    seconds: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """Standings on training data before, after a quarter and all of the steps; on validation."""

    before: Standing
    quarter: Standing
    after: Standing
    validation: Standing
    steps: int

    @property
    def soared(self) -> bool:
        """Return whether the loss broke or ended far above its start."""
        start, end = self.before.loss, self.after.loss
        return math.isfinite(start) and not end <= start + max(abs(start), 1e-12)


def run_course(
    exam: Examination, plan: Plan, progress: Callable[[float], None] = lambda share: None
) -> Course:
    """Train from the initial state; it is put back afterwards.

    A second seed also begins the batches at another place, so that two runs tell the noise.
    """
    refuse_closures(exam)
    advance = _advance(exam)
    judged, batches = spread(exam.batches), exam.batches
    held_out = exam.val_batches  # drawn before: drawing puts the model back
    if plan.seed:
        middle = len(batches) // 2
        batches = [*batches[middle:], *batches[:middle]]
    with exam.training():
        torch.manual_seed(plan.seed)
        before = judge(exam, judged)
        if any("lr" in group for group in groups(exam.case)):
            set_rate(exam, own_rate(exam.case))  # what a warm-up leads to
        training = _Training(exam, batches, advance, progress)
        steps = training.affordable(plan)
        training.go_on(steps, until=max(steps // 4, training.done))
        quarter = judge(exam, judged)
        training.go_on(steps, until=steps)
        after, validation = judge(exam, judged), judge(exam, held_out)
    if training.broken:
        after = replace(after, loss=BROKEN.loss)
    return Course(before, quarter, after, validation, steps)


class _Training:
    """Steps taken one stretch after another, through the batches in circles."""

    def __init__(
        self,
        exam: Examination,
        batches: Sequence[Batch],
        advance: Callable[[Batch], Tensor],
        progress: Callable[[float], None],
    ) -> None:
        self.exam, self.batches, self.advance = exam, batches, advance
        self.progress = progress
        self.done = 0
        self.broken = False

    def affordable(self, plan: Plan) -> int:
        """Take the first steps and return how many there is time for."""
        started = time.monotonic()
        self.go_on(plan.steps, until=min(_TIMED, plan.steps))
        each = (time.monotonic() - started) / max(self.done, 1)
        return max(min(plan.steps, int(plan.seconds / max(each, 1e-9))), min(FEWEST, plan.steps))

    def go_on(self, steps: int, *, until: int) -> None:
        if self.broken or until <= self.done:
            return
        start = self.done % len(self.batches)
        turned = [*self.batches[start:], *self.batches[:start]]

        def show(index: int) -> None:
            if index % 10 == 0:
                self.progress((self.done + index) / steps)

        _, broken = train(
            self.exam, turned, until - self.done, before_step=show, take_step=self.advance
        )
        self.done, self.broken = until, broken is not None


def _advance(exam: Examination) -> Callable[[Batch], Tensor]:
    """Return what takes one step: the user's own, where it updates by itself."""
    own = exam.case.step
    if own is None or not goes_backward(exam):
        return lambda batch: step(exam, batch)

    def native(batch: Batch) -> Tensor:
        exam.count_steps(1)
        result = own(exam.model, batch.fresh().raw)
        try:
            return as_loss(result, "step").detach()
        except Exception:  # it need not return its loss
            return torch.zeros(())

    return native
