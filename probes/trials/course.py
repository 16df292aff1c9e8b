"""One short training of a case, treated or not: its curves, and how it stands before and after."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import Tensor

from probes.case.batches import Batch
from probes.case.objective import as_loss
from probes.optimizer import groups, own_rate
from probes.running.events import Point
from probes.running.examination import Examination
from probes.training.short_training import refuse_closures, set_rate, step, train
from probes.trials.loops import goes_backward
from probes.trials.rate_course import RateCourse
from probes.trials.standing import BROKEN, Standing, judge, spread

STEPS: Final = 200
FEWEST: Final = 20
MARKS: Final = 8  # points of the validation curve after its first
MARK_BATCHES: Final = 4  # validation batches on which they are judged
MOST_POINTS: Final = 100  # of the training curve that is kept
_TIMED: Final = 8  # steps, to tell how many there is time for


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train: at most `steps`, fewer where they would take more than `seconds`."""

    steps: int = STEPS
    seconds: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Curves:
    """The losses of one training: before each step, and on the same validation batches."""

    train: tuple[Point, ...] = ()
    validation: tuple[Point, ...] = ()

    def thinned(self) -> Curves:
        """Return the training curve as means over stretches of steps, at most 100 of them."""
        size = -(-len(self.train) // MOST_POINTS)
        if size <= 1:
            return self
        parts = [self.train[i : i + size] for i in range(0, len(self.train), size)]
        means = tuple((part[0][0], sum(loss for _, loss in part) / len(part)) for part in parts)
        return Curves(means, self.validation)


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a training is (0 to 1 of `steps`), and the points that came since last told."""

    share: float
    steps: int = 0
    new: Curves = Curves()


Tell = Callable[[Pace], None]


@dataclass(frozen=True, slots=True)
class Course:
    """Standings on training data before, after a quarter and all of the steps; on validation."""

    before: Standing
    quarter: Standing
    after: Standing
    validation: Standing
    steps: int
    validation_before: Standing = BROKEN
    curves: Curves = Curves()

    @property
    def soared(self) -> bool:
        """Return whether the loss broke or ended far above its start."""
        start, end = self.before.loss, self.after.loss
        return math.isfinite(start) and not end <= start + max(abs(start), 1e-12)

    @property
    def lowest_validation(self) -> Point | None:
        """Return where the validation curve is lowest, the start left out; None without one."""
        known = [(n, loss) for n, loss in self.curves.validation if n and math.isfinite(loss)]
        return min(known, key=lambda point: point[1], default=None)


def run_course(exam: Examination, plan: Plan, tell: Tell = lambda pace: None) -> Course:
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
        before, validation_before = judge(exam, judged), judge(exam, held_out)
        if any("lr" in group for group in groups(exam.case)):
            set_rate(exam, own_rate(exam.case))  # what a warm-up leads to
        training = _Training(exam, batches, advance, tell, spread(held_out)[:MARK_BATCHES])
        training.mark()
        steps = training.affordable(plan)
        quarter = before
        for number in range(1, MARKS + 1):
            training.go_on(steps * number // MARKS)
            training.mark()
            if number == MARKS // 4:
                quarter = judge(exam, judged)
        after, validation = judge(exam, judged), judge(exam, held_out)
    if training.broken:
        after = replace(after, loss=BROKEN.loss, score=None, quality=None)
        if held_out:
            validation = replace(validation, loss=BROKEN.loss, score=None, quality=None)
    return Course(
        before, quarter, after, validation, steps, validation_before, training.curves.thinned()
    )


@dataclass
class _Training:
    """Steps taken one stretch after another, through the batches in circles."""

    exam: Examination
    batches: Sequence[Batch]
    advance: Callable[[Batch], Tensor]
    tell: Tell
    held_out: Sequence[Batch]
    curves: Curves = field(default_factory=Curves)
    steps: int = 0
    done: int = 0
    broken: bool = False

    def affordable(self, plan: Plan) -> int:
        """Take the first steps and return how many there is time for."""
        self.steps = plan.steps
        started = time.monotonic()
        self.go_on(min(_TIMED, plan.steps))
        each = (time.monotonic() - started) / max(self.done, 1)
        enough = int(plan.seconds / max(each, 1e-9))
        self.steps = max(min(plan.steps, enough), min(FEWEST, plan.steps))
        return self.steps

    def go_on(self, until: int) -> None:
        """Train until that many steps are done, unless the loss broke."""
        if self.broken or until <= self.done:
            return
        start = self.done % len(self.batches)
        turned = [*self.batches[start:], *self.batches[:start]]
        told = 0

        def show(losses: list[float]) -> bool:
            nonlocal told
            new = tuple((self.done + n, losses[n]) for n in range(told, len(losses)))
            told = len(losses)
            if not new:
                return False
            self._add(Curves(train=new), (self.done + told) / max(self.steps, 1))
            return False

        course = self.exam.case.scheduler

        def before_step(index: int) -> None:
            if isinstance(course, RateCourse):
                set_rate(self.exam, course.rate((self.done + index) / max(self.steps, 1)))

        losses, broken = train(
            self.exam,
            turned,
            until - self.done,
            stop=show,
            before_step=before_step,
            take_step=self.advance,
        )
        show(losses)  # those that broke as well
        self.done, self.broken = until, broken is not None

    def mark(self) -> None:
        """Add a point to the validation curve."""
        known = self.curves.validation
        if self.held_out and not self.broken and (not known or known[-1][0] < self.done):
            loss = judge(self.exam, self.held_out).loss
            self._add(Curves(validation=((self.done, loss),)), self.done / max(self.steps, 1))

    def _add(self, new: Curves, share: float) -> None:
        old = self.curves
        self.curves = Curves((*old.train, *new.train), (*old.validation, *new.validation))
        self.tell(Pace(min(share, 1.0), self.steps, new))


def _advance(exam: Examination) -> Callable[[Batch], Tensor]:
    """Return what takes one step: the user's own, where it updates by itself."""
    own = exam.case.step
    if own is None or not goes_backward(exam):
        return lambda batch: step(exam, batch)

    def native(batch: Batch) -> Tensor:
        exam.count_steps(1)
        result = own(exam.model, batch.for_step())
        try:
            return as_loss(result, "step").detach()
        except Exception:  # it need not return its loss
            return torch.zeros(())

    return native
