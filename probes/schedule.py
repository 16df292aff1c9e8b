"""Probe of the schedule: the learning rate over the planned training, drawn out beforehand.

The user's scheduler is stepped through on its own, once as if per batch and once as if per epoch
(where nothing tells which), and the reading that is kinder to it is judged.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from expert.language import Text
from expert.observation import Observation
from probes.optimizer import groups, own_rate
from probes.own_rate import length
from probes.probe import Probe

if TYPE_CHECKING:
    from probes.running.examination import Examination

ASSUMED_EPOCHS: Final = 10  # where the case does not say
DEAD: Final = 0.01  # of the peak: below it a rate trains no more
MOST_STEPS: Final = 20_000  # drawn out; longer schedules are judged on these
SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Course:
    """The rates of a whole training. `complete`: they reach to its end."""

    reading: str
    rates: tuple[float, ...]
    complete: bool

    @property
    def peak(self) -> float:
        """Return the highest rate."""
        return max(self.rates)

    @property
    def dead_share(self) -> float:
        """Return the share of the training spent below 1 % of the peak."""
        return sum(rate < DEAD * self.peak for rate in self.rates) / len(self.rates)

    @property
    def dies_at(self) -> float:
        """Return after which share of the training the rate is below that for good."""
        alive = [index for index, rate in enumerate(self.rates) if rate >= DEAD * self.peak]
        return (alive[-1] + 1) / len(self.rates)


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `schedule.*`; nothing without a scheduler."""
    scheduler = exam.case.scheduler
    if scheduler is None or not hasattr(scheduler, "step"):
        return
    yield exam.observe("schedule.kind", type(scheduler).__name__)
    drawn = [course for course in courses(exam) if course.rates and course.peak > 0]
    if not drawn:
        return
    yield exam.observe("schedule.epochs", exam.case.epochs or ASSUMED_EPOCHS)
    yield exam.observe("schedule.epochs_known", exam.case.epochs is not None)
    kind = min(drawn, key=lambda course: (course.dead_share, -course.peak))
    yield exam.observe("schedule.reading", kind.reading)
    yield exam.observe("schedule.dead_share", kind.dead_share)
    yield exam.observe("schedule.dies_at", kind.dies_at)
    yield exam.observe("schedule.peak_rate", kind.peak)
    yield exam.observe("schedule.end_over_peak", kind.rates[-1] / kind.peak)
    if all(course.complete for course in drawn):
        highest = max(course.peak for course in drawn)
        base = max(own_rate(exam.case), highest)
        yield exam.observe("schedule.peak_over_base", highest / base)


def courses(exam: Examination) -> Iterator[Course]:
    """Yield the course of the rate for each reading that is possible."""
    epochs = exam.case.epochs or ASSUMED_EPOCHS
    steps = length(exam.case.train_loader)
    per_batch = exam.found.get("loop.scheduler_steps_per_batch")
    seen = None if per_batch is None else float(per_batch.value)  # type: ignore[arg-type]
    if steps and (seen is None or seen > 0):
        yield _drawn_out(exam, "batch", round(epochs * steps * (seen or 1.0)))
    if not seen:
        yield _drawn_out(exam, "epoch", epochs)


def _drawn_out(exam: Examination, reading: str, steps: int) -> Course:
    scheduler, rates = exam.case.scheduler, []
    until = time.monotonic() + SECONDS
    with exam.restored("case"), exam.training(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(max(1, min(steps, MOST_STEPS))):
            rates.append(_rate(exam))
            if time.monotonic() > until or not _stepped(scheduler):
                break
    return Course(reading, tuple(rates), len(rates) >= steps)


def _rate(exam: Examination) -> float:
    return max((float(group["lr"]) for group in groups(exam.case) if "lr" in group), default=0.0)


def _stepped(scheduler: Any) -> bool:
    """Step the scheduler; returns False where it wants a metric, or has come to its end."""
    try:
        scheduler.step()
    except Exception:
        return False
    return True


PROBE = Probe(
    id="schedule",
    title=Text(en="The learning rate over the planned training", zh="整个训练过程的学习率"),
    needs=("optimizer",),
    provides=(
        "schedule.kind",
        "schedule.epochs",
        "schedule.epochs_known",
        "schedule.reading",
        "schedule.dead_share",
        "schedule.dies_at",
        "schedule.peak_rate",
        "schedule.end_over_peak",
        "schedule.peak_over_base",
    ),
    cost=4,
    usual=1,
    about="scheduler",
    measure=measure,
    after=("loop",),
)
