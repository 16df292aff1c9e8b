"""Treatments of the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from expert.language import Text
from probes.case.case import Case
from probes.case.own_step import replace
from probes.optimizer import groups, own_rate
from probes.running.examination import Examination
from probes.schedule import courses
from probes.training.short_training import set_rate
from probes.trials.loops import goes_backward
from probes.trials.rate_course import RateCourse
from probes.trials.rewriting import wrapped
from probes.trials.trial import Trial, TrialExamination, Unsuitable, changed

WARM_UP: Final = 0.2  # of the steps
_NO_RATE: Final = Unsuitable(en="the optimizer has no learning rate", zh="优化器没有学习率")


def _suggested(exam: Examination) -> Case:
    found = exam.found.get("sweep.suggested_rate")
    if found is None or not isinstance(found.value, float | int):
        raise Unsuitable(en="the rate sweep suggested no rate", zh="学习率扫描没有给出建议值")
    return _at(exam, float(found.value))


def _at(exam: Examination, rate: float) -> Case:
    if not any("lr" in group for group in groups(exam.case)):
        raise _NO_RATE
    set_rate(exam, rate)
    for group in groups(exam.case):
        for name in ("initial_lr", "max_lr"):  # what a scheduler would go back to
            if name in group:
                group[name] = float(group["lr"])
    return exam.case


def _warmed_up(exam: Examination) -> Case:
    return _following(exam, lambda share: min(1.0, share / WARM_UP))


def _following(exam: Examination, shape: Callable[[float], float]) -> Case:
    if not any("lr" in group for group in groups(exam.case)):
        raise _NO_RATE
    return changed(exam.case, scheduler=RateCourse(own_rate(exam.case), shape))


def _scheduled(exam: TrialExamination) -> Case:
    """Return the case with its schedule drawn together over the steps of a trial."""
    if exam.users_case.scheduler is None:
        raise Unsuitable(en="the case has no scheduler", zh="案例中没有学习率调度器")
    if exam.case.step is not None and goes_backward(exam):
        return exam.case  # which moves its own schedule
    outer = Examination(exam.users_case)
    outer.found = exam.found
    known = [course for course in courses(outer) if course.rates and course.peak > 0]
    if not known:
        raise Unsuitable(en="the schedule cannot be drawn out", zh="无法推演学习率调度")
    rates = min(known, key=lambda course: (course.dead_share, -course.peak)).rates
    base = own_rate(exam.case)

    def shape(share: float) -> float:
        return rates[min(int(share * len(rates)), len(rates) - 1)] / base

    return _following(exam, shape)


def _constant(exam: Examination) -> Case:
    own, scheduler = exam.case.step, exam.case.scheduler
    if own is None or not goes_backward(exam):
        return changed(exam.case, scheduler=None)

    def rest(stack: ExitStack) -> None:
        replace(stack, scheduler, "step", lambda *args, **kwargs: None)

    return changed(exam.case, step=wrapped(own, rest))


TENTH: Final = Trial(
    "rate-tenth",
    Text(en="a tenth of the rate", zh="学习率除以 10"),
    lambda exam: _at(exam, own_rate(exam.case) / 10),
)
TRIALS: Final = (
    Trial(
        "suggested-rate",
        Text(en="the rate from the sweep", zh="扫描得出的学习率"),
        _suggested,
        uses=("sweep.suggested_rate",),
    ),
    TENTH,
    Trial(
        "rate-tenfold",
        Text(en="ten times the rate", zh="学习率乘以 10"),
        lambda exam: _at(exam, own_rate(exam.case) * 10),
    ),
    Trial("warm-up", Text(en="the rate warmed up", zh="学习率预热"), _warmed_up),
    Trial(
        "constant-rate",
        Text(en="a constant rate instead of the schedule", zh="用恒定学习率代替调度"),
        _constant,
        cause=_scheduled,
    ),
)
