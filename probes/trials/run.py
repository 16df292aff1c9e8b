"""Trying treatments: the case as it is, twice, then with each of them, on the same batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import torch

from expert.errors import TorchmedicError
from expert.language import Text
from expert.observation import Observation
from probes.case.case import Case
from probes.case.user_code import describe
from probes.running.events import TrialEnded, TrialRunning, TrialsStarted
from probes.running.examination import BudgetSpent, Examination
from probes.trials import rates
from probes.trials.course import Course, Plan, run_course
from probes.trials.standing import BROKEN, CURED, Standing
from probes.trials.trial import Trial, TrialExamination, TrialResult, changed, treated

MARGIN: Final = 0.05  # of the way from guessing to perfect: less is no difference
LOSS_MARGIN: Final = 0.1  # of the loss at the start
NOISES: Final = 2.0  # times the distance between two runs without the treatment
FOR_EVER: Final = 1e9  # seconds: as many steps as the first run took
BASELINE: Final = "baseline"
_NO_TIME: Final = Text(
    en="the time budget was spent before it (see --budget)",
    zh="轮到它之前时间预算已用完（见 --budget）",
)

TrialEvent = TrialsStarted | TrialRunning | TrialEnded


def run_trials(
    case: Case,
    trials: Sequence[Trial],
    *,
    base: Sequence[Trial] = (),
    given: Iterable[Observation] = (),
    budget_s: float = 60.0,
    steps: int | None = None,
    on_event: Callable[[TrialEvent], None] = lambda event: None,
) -> list[TrialResult]:
    """Return what each treatment does to a case, which is left as it was, bit for bit.

    `base`: treatments that are applied in every run. `given`: facts of an earlier examination.
    """
    on_event(TrialsStarted(tuple(trials)))
    end = time.monotonic() + budget_s
    plan = Plan(seconds=budget_s / (len(trials) + 3), **({} if steps is None else {"steps": steps}))
    with TrialExamination(case, budget_s=budget_s) as outer:
        train = [batch.raw for batch in outer.batches]
        val = [batch.raw for batch in outer.val_batches] or None
        exam = TrialExamination(changed(case, train_loader=train, val_loader=val))
        exam.found = {seen.name: seen for seen in given}
        exam.deadline = end
        with treated(exam, base) as sick:
            return _Bench(sick, plan, on_event).try_all(trials)


@dataclass
class _Bench:
    """The case without the treatment, and what is compared with it."""

    exam: Examination
    plan: Plan
    on_event: Callable[[TrialEvent], None]

    def try_all(self, trials: Sequence[Trial]) -> list[TrialResult]:
        first = self._course(self.exam, BASELINE, self.plan)
        self.plan = Plan(first.steps or self.plan.steps, FOR_EVER)
        again = Plan(self.plan.steps, FOR_EVER, seed=1)
        baselines = (first, self._course(self.exam, BASELINE, again))
        self.on_event(TrialEnded(BASELINE, None))
        results = []
        for trial in trials:
            results.append(self._try(trial, baselines))
            self.on_event(TrialEnded(trial.id, results[-1].to_json()))
        return results

    def _course(self, exam: Examination, id_: str, plan: Plan) -> Course:
        """Return the course of the case as it is; one that raises stands nowhere."""
        try:
            return run_course(exam, plan, lambda share: self.on_event(TrialRunning(id_, share)))
        except Exception:  # that is how ill it is
            return Course(BROKEN, BROKEN, BROKEN, BROKEN, 0)

    def _try(self, trial: Trial, baselines: tuple[Course, Course]) -> TrialResult:
        if self.exam.deadline <= time.monotonic():
            return TrialResult(trial.id, tried=False, reason=_NO_TIME)
        self.on_event(TrialRunning(trial.id, 0.0))
        also: tuple[Trial, ...] = ()
        try:
            course = self._treated_course(trial, also)
            if course.soared and trial not in rates.TRIALS:  # it may learn so well that the rate
                also = (rates.TENTH,)  # is now too high
                course = self._treated_course(trial, also)
        except BudgetSpent:
            return TrialResult(trial.id, tried=False, reason=_NO_TIME)
        except Exception as error:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            as_before = baselines[0].steps == 0 and not isinstance(error, TorchmedicError)
            return TrialResult(trial.id, tried=as_before, reason=_why(error))
        rival = self._at_tenth if also else None
        return replace(compare(trial, baselines, course, rival), also=tuple(x.id for x in also))

    @cached_property
    def _at_tenth(self) -> Course:
        """The case without the treatment, at a tenth of the rate."""
        with treated(self.exam, [rates.TENTH]) as inner:
            return self._course(inner, BASELINE, self.plan)

    def _treated_course(self, trial: Trial, also: Sequence[Trial]) -> Course:
        with treated(self.exam, [trial, *also]) as inner:
            return run_course(inner, self.plan, self._teller(trial, inner))

    def _teller(self, trial: Trial, inner: Examination) -> Callable[[float], None]:
        def tell(share: float) -> None:
            self.on_event(TrialRunning(trial.id, share))
            inner.progress(share)  # raises when the time is over

        return tell


def _why(error: Exception) -> Text:
    if isinstance(error, TorchmedicError):
        return error.text
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return Text(en="it ran out of memory", zh="内存不足")
    return Text(en=describe(error), zh=describe(error))


def compare(
    trial: Trial,
    baselines: tuple[Course, Course],
    course: Course,
    rival: Course | None = None,
) -> TrialResult:
    """Return what the treatment changed, against two runs without it.

    `rival`: without it too, but with whatever else the treated run had.
    """
    scores = [_score(b.before, b.after) for b in baselines]
    noise = abs(scores[0] - scores[1])
    others = baselines if rival is None else (*baselines, rival)
    score = _score(course.before, course.after)
    best = max(_score(b.before, b.after) for b in others)
    margin = max(MARGIN, NOISES * noise)
    gain = score - best
    early = _score(course.before, course.quarter) - max(_score(b.before, b.quarter) for b in others)
    faster = gain > -MARGIN and early > max(margin, 2 * MARGIN)
    lower = trial.same_loss and _lower_loss(others, course)
    learnt = score - _score(course.before, course.before) > margin  # a lucky start is no effect
    better = ((gain > margin or faster) and learnt) or (lower and gain > -MARGIN)
    improved = better and not _harms(baselines, course)
    cured = improved and score >= CURED[course.after.measure]
    by_loss = trial.same_loss or course.after.quality is None

    def shown(standing: Standing) -> float | None:
        return standing.loss if by_loss else standing.quality

    baseline = min((b.after for b in baselines), key=lambda s: _worst_last(shown(s), by_loss))
    judged_on_validation = course.validation is not BROKEN
    return TrialResult(
        id=trial.id,
        steps=course.steps,
        measure="loss" if by_loss else course.after.measure,
        before=shown(course.before),
        after=shown(course.after),
        baseline=shown(baseline),
        val_after=shown(course.validation) if judged_on_validation else None,
        val_baseline=shown(baselines[0].validation) if judged_on_validation else None,
        score=round(score, 4),
        gain=round(max(gain, early if faster else gain), 4),
        noise=round(noise, 4),
        improved=improved,
        cured=cured,
    )


def _worst_last(value: float | None, by_loss: bool) -> float:
    if value is None or math.isnan(value):
        return math.inf
    return value if by_loss else -value


def _score(before: Standing, after: Standing) -> float:
    """Return 0 for guessing, 1 for perfect; the share of the loss that is gone where unknown."""
    if not math.isfinite(after.loss):
        return -1.0
    if after.score is not None:
        return max(min(after.score, 1.0), -1.0)
    if not math.isfinite(before.loss) or before.loss == 0:
        return 0.0
    return max(min((before.loss - after.loss) / abs(before.loss), 1.0), -1.0)


def _lower_loss(others: Sequence[Course], course: Course) -> bool:
    losses = [b.after.loss for b in others]
    mine, start = course.after.loss, course.before.loss
    if not math.isfinite(mine):
        return False
    if not all(map(math.isfinite, losses)):
        return mine < min(start, *filter(math.isfinite, losses), math.inf)
    scale = max(min(abs(start), abs(others[0].before.loss)), 1e-12)
    fall = (min(losses) - mine) / scale
    return fall > max(LOSS_MARGIN, NOISES * abs(losses[0] - losses[1]) / scale)


def _harms(baselines: tuple[Course, Course], course: Course) -> bool:
    """Return whether answers to validation data are clearly worse than without the treatment."""
    if course.validation is BROKEN or course.validation.score is None:
        return False
    others = [b.validation.score for b in baselines if b.validation.score is not None]
    if not others:
        return False
    noise = abs(max(others) - min(others))
    return course.validation.score < min(others) - max(MARGIN, NOISES * noise)
