"""Trying treatments: the case as it is, twice, then with each of them, on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch

from expert.errors import TorchmedicError
from expert.language import Text
from expert.observation import Observation
from probes.case.case import Case
from probes.case.user_code import describe
from probes.own_rate import length
from probes.running.events import TrialEnded, TrialRunning, TrialsStarted
from probes.running.examination import BudgetSpent
from probes.trials import rates
from probes.trials.comparing import compare
from probes.trials.course import FEWEST, STEPS, Course, Pace, Plan, Tell, run_course
from probes.trials.memory import room_for
from probes.trials.standing import BROKEN
from probes.trials.trial import (
    Trial,
    TrialExamination,
    TrialResult,
    Unsuitable,
    changed,
    treated,
)

FOR_EVER: Final = 1e9  # seconds: as many steps as the first run took
BASELINE: Final = "baseline"
COPIES: Final = 3  # of what is trained: the user's own state, the baseline's, the treated case's
MOST_LONGER: Final = 4  # times the steps of the baseline that a treated run may take
_NO_TIME: Final = Text(
    en="the time budget was spent before it (see --budget)",
    zh="轮到它之前时间预算已用完（见 --budget）",
)

TrialEvent = TrialsStarted | TrialRunning | TrialEnded
Baselines = tuple[Course, Course]


def run_trials(
    case: Case,
    trials: Sequence[Trial],
    *,
    told: Sequence[Trial] | None = None,
    base: Sequence[Trial] = (),
    given: Iterable[Observation] = (),
    budget_s: float = 60.0,
    steps: int | None = None,
    memory: int | None = None,
    on_event: Callable[[TrialEvent], None] = lambda event: None,
) -> list[TrialResult]:
    """Return what each treatment does to a case, which is left as it was, bit for bit.

    `told`: the trials that are announced, where others are made elsewhere. `base`: treatments that
    are applied in every run. `given`: facts of an earlier examination. `memory`: bytes that copies
    may take, instead of what is free.
    """
    on_event(TrialsStarted(tuple(told or trials), str(case.device()), case.val_loader is not None))
    end = time.monotonic() + budget_s
    plan = Plan(seconds=budget_s / (len(trials) + 3), **({} if steps is None else {"steps": steps}))
    try:
        with (
            room_for(case, COPIES + len(base), memory),
            TrialExamination(case, budget_s=budget_s) as outer,
        ):
            exam = _fixed(outer)
            exam.found = {seen.name: seen for seen in given}
            exam.deadline = end
            with treated(exam, base) as sick:
                return _Bench(sick, plan, memory, on_event).try_all(trials)
    except Unsuitable as reason:  # there is no room, or no change that was to be made beforehand
        refused = [TrialResult(t.id, tried=False, reason=reason.text) for t in trials]
        for result in refused:
            on_event(TrialEnded(result.id, result.to_json()))
        return refused


def _fixed(outer: TrialExamination) -> TrialExamination:
    """Return an examination whose loaders are lists: every run sees the same batches."""
    train = [batch.raw for batch in outer.batches]
    val = [batch.raw for batch in outer.val_batches] or None
    exam = TrialExamination(changed(outer.case, train_loader=train, val_loader=val))
    exam.users_case = outer.case
    return exam


@dataclass
class _Bench:
    """The case without the treatment, and what is compared with it."""

    exam: TrialExamination
    plan: Plan
    memory: int | None
    on_event: Callable[[TrialEvent], None]
    known: dict[tuple[str, int], Baselines] = field(default_factory=dict)
    at_tenth: dict[int, Course] = field(default_factory=dict)

    def try_all(self, trials: Sequence[Trial]) -> list[TrialResult]:
        first = self._course(self.exam, self.plan, 0)
        self.plan = Plan(first.steps or self.plan.steps, FOR_EVER)
        again = self._course(self.exam, replace(self.plan, seed=1), 1)
        self.known["", self.plan.steps] = first, again
        self.on_event(TrialEnded(BASELINE, None))
        results = []
        for trial in trials:
            started = time.monotonic()
            result = self._try(trial)
            results.append(replace(result, seconds=round(time.monotonic() - started, 3)))
            self.on_event(TrialEnded(trial.id, results[-1].to_json()))
        return results

    def _baselines(self, trial: Trial) -> Baselines:
        """Return two courses without the treatment, over the length that suits it."""
        steps = self._own_length() if trial.own_length else self.plan.steps
        cause = trial.id if trial.cause else ""
        found = self.known.get((cause, steps))
        if found is None:
            sick = () if trial.cause is None else (Trial("", trial.title, trial.cause),)
            plans = (Plan(steps, FOR_EVER, seed=seed) for seed in (0, 1))
            with treated(self.exam, sick) as exam:
                one, other = (self._course(exam, plan, n) for n, plan in enumerate(plans))
            found = self.known[cause, steps] = one, other
        return found

    def _own_length(self) -> int:
        """Return the steps of the user's own training. Raises Unsuitable where it is not short."""
        case = self.exam.users_case
        each = length(case.train_loader)
        if case.epochs is None or each is None:
            raise Unsuitable(
                en="the length of your training is not known (give `epochs` in the case)",
                zh="不知道您的训练有多长（请在案例中给出 `epochs`）",
            )
        steps = case.epochs * each
        if steps > max(self.plan.steps, STEPS):
            raise Unsuitable(
                en=f"your training is longer ({steps} steps) than a trial can be",
                zh=f"您的训练（{steps} 步）比一次试验所能做的更长",
            )
        return max(steps, 1)

    def _course(self, exam: TrialExamination, plan: Plan, run: int) -> Course:
        """Return the course of the case as it is; one that raises stands nowhere."""
        try:
            return run_course(exam, plan, self._teller(BASELINE, run))
        except Exception:  # that is how ill it is
            return Course(BROKEN, BROKEN, BROKEN, BROKEN, 0)

    def _try(self, trial: Trial) -> TrialResult:
        if self.exam.deadline <= time.monotonic():
            return TrialResult(trial.id, tried=False, reason=_NO_TIME)
        self.on_event(TrialRunning(trial.id, 0.0))
        also: tuple[Trial, ...] = ()
        baselines = self.known["", self.plan.steps]
        try:
            baselines = self._baselines(trial)
            course = self._treated_course(trial, also, baselines)
            if course.soared and trial not in rates.TRIALS:  # it may learn so well that the rate
                also = (rates.TENTH,)  # is now too high
                course = self._treated_course(trial, also, baselines)
        except BudgetSpent:
            return TrialResult(trial.id, tried=False, reason=_NO_TIME)
        except Exception as error:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            as_before = baselines[0].steps == 0 and not isinstance(error, TorchmedicError)
            return TrialResult(trial.id, tried=as_before, reason=_why(error))
        rival = self._rival(baselines[0].steps) if also else None
        return replace(compare(trial, baselines, course, rival), also=tuple(x.id for x in also))

    def _rival(self, steps: int) -> Course:
        """Return the course without the treatment, at a tenth of the rate."""
        if steps not in self.at_tenth:
            with treated(self.exam, [rates.TENTH]) as inner:
                plan = Plan(steps or self.plan.steps, FOR_EVER)
                self.at_tenth[steps] = self._course(inner, plan, 2)
        return self.at_tenth[steps]

    def _treated_course(self, trial: Trial, also: Sequence[Trial], baselines: Baselines) -> Course:
        with treated(self.exam, [trial, *also]) as inner, room_for(inner.case, 1, self.memory):
            steps = baselines[0].steps or self.plan.steps
            if trial.steps is not None:
                wanted = trial.steps(baselines[0], len(self.exam.batches), len(inner.batches))
                steps = max(1, min(wanted, MOST_LONGER * max(steps, FEWEST)))
            tell = self._teller(trial.id, len(also))

            def go_on(pace: Pace) -> None:
                tell(pace)
                inner.progress(pace.share)  # raises when the time is over

            return run_course(inner, Plan(steps, FOR_EVER), go_on)

    def _teller(self, id_: str, run: int) -> Tell:
        def tell(pace: Pace) -> None:
            new = pace.new
            self.on_event(TrialRunning(id_, pace.share, run, pace.steps, new.train, new.validation))

        return tell


def _why(error: Exception) -> Text:
    if isinstance(error, TorchmedicError):
        return error.text
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return Text(en="it ran out of memory", zh="内存不足")
    return Text(en=describe(error), zh=describe(error))
