"""Running probes one after another: needs, budget, isolation, and what became of each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import torch

from expert.errors import TorchmedicError
from expert.language import Text
from expert.observation import Observation
from probes.case.case import Case
from probes.case.user_code import describe, place_of
from probes.installed import all_probes
from probes.probe import Need, Probe
from probes.running.events import (
    Event,
    LossRefused,
    OnEvent,
    ProbeEnded,
    ProbeRunning,
    Started,
    Warned,
)
from probes.running.examination import BudgetSpent, Examination

CHEAP: Final = 4  # training steps: probes that cost no more always run
SMALL_STEP: Final = 0.0015  # seconds that a training step of a small network takes on a CPU
_SHOWN_EVERY: Final = 0.1  # seconds between two progress events
_OUT_OF_TIME: Final = Text(en="stopped at the time budget", zh="已到时间预算，提前停止")
_NO_TIME: Final = Text(
    en="the time budget was spent before it (see --budget)",
    zh="轮到它之前时间预算已用完（见 --budget）",
)
_MISSING: Final[dict[Need, Text]] = {
    "targets": Text(en="the batches have no targets", zh="批次中没有目标"),
    "loss": Text(
        en="the loss function raised an error instead of giving a loss",
        zh="损失函数报错，没有给出损失",
    ),
    "optimizer": Text(en="the case has no optimizer", zh="案例中没有优化器"),
    "gradients": Text(
        en="the loss does not depend on any trainable parameter", zh="损失不依赖任何可训练参数"
    ),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The probe to run next, after a person was waited for so many seconds."""

    probe: Probe
    waited: float = 0.0


Choose = Callable[[Sequence[Probe]], Chosen | None]


def first_of(waiting: Sequence[Probe]) -> Chosen | None:
    """Choose the probes in the order in which they are given."""
    return Chosen(waiting[0])


def run_probes(
    case: Case,
    *,
    probes: Sequence[Probe] | None = None,
    budget_s: float = 60.0,
    on_event: OnEvent = lambda event: None,
    choose: Choose = first_of,
) -> list[Observation]:
    """Return everything the probes see in a case, which is left as it was, bit for bit.

    `probes`: by default the built-in ones and those of installed packages.
    `choose` picks the next of the probes that have not been run; None ends the examination.
    Raises UsageError or UserCodeError when no forward pass of the case can be made. A probe that
    fails is told in an event and the others go on; so is a loss function that raises.
    """
    if probes is None:
        probes = all_probes(lambda text: on_event(Warned(text)))
    idle = frozenset(probe.id for probe in probes if probe.is_idle(case))
    on_event(Started(tuple(probes), idle))
    with Examination(case, budget_s=budget_s) as exam:
        budget = _Budget(time.monotonic() + budget_s)
        exam.prepare()
        refusal = exam.refusal
        waiting = list(probes)
        while waiting and (chosen := choose(waiting)) is not None:
            probe = chosen.probe
            budget = _Budget(budget.end + chosen.waited)  # a person's time is none of ours
            exam.deadline = budget.deadline(probe, waiting)
            waiting.remove(probe)
            on_event(_run(probe, exam, budget, on_event))
        if refusal is not None:
            on_event(LossRefused(refusal))
    return list(exam.found.values())


@dataclass(frozen=True, slots=True)
class _Budget:
    end: float

    @property
    def is_spent(self) -> bool:
        return time.monotonic() >= self.end

    def deadline(self, probe: Probe, waiting: Sequence[Probe]) -> float:
        """Return until when a probe may run: twice its share of what is left, by usual cost.

        `waiting`: probes that may still be run, this one among them; while there are others, a
        quarter is left to them. Cheap ones are not stopped.
        """
        if probe.cost <= CHEAP:
            return float("inf")
        total = sum(_usual(other) for other in waiting if other.cost > CHEAP)
        now, share = time.monotonic(), _usual(probe) / total
        return now + (self.end - now) * (1.0 if share == 1 else min(2 * share, 0.75))


def _usual(probe: Probe) -> float:
    steps = probe.cost if probe.usual is None else probe.usual
    return steps + probe.seconds / SMALL_STEP


@dataclass(slots=True)
class _Outcome:
    seen: list[Observation] = field(default_factory=list)
    status: Literal["done", "skipped", "failed"] = "done"
    reason: Text | None = None


def _run(probe: Probe, exam: Examination, budget: _Budget, on_event: OnEvent) -> ProbeEnded:
    if probe.cost > CHEAP and budget.is_spent:
        return ProbeEnded(probe.id, "skipped", reason=_NO_TIME, cut_short=True)
    started, steps = time.monotonic(), exam.steps
    exam.origin, exam.on_progress = probe.origin, _teller(probe, on_event)
    on_event(ProbeRunning(probe.id, 0.0))
    outcome = _Outcome()
    with exam.restored("case"):
        _measure(probe, exam, outcome)
    for seen in outcome.seen:
        exam.found[seen.name] = seen
    seconds, done = time.monotonic() - started, exam.steps - steps
    observations = tuple(outcome.seen)
    return ProbeEnded(
        probe.id,
        outcome.status,
        seconds,
        done,
        outcome.reason,
        observations,
        cut_short=outcome.reason is _OUT_OF_TIME,
    )


def _measure(probe: Probe, exam: Examination, outcome: _Outcome) -> None:
    """Run one probe into `outcome`; what it had seen before it was stopped or failed is kept."""
    try:
        missing = _missing(probe, exam)
        if missing is not None:
            outcome.status, outcome.reason = "skipped", missing
            return
        _collect(probe.measure(exam), outcome.seen)
    except BudgetSpent:
        outcome.status = "done" if outcome.seen else "skipped"
        outcome.reason = _OUT_OF_TIME
    except Exception as error:
        outcome.status, outcome.reason = "failed", _why(error)
        traceback.clear_frames(error.__traceback__)  # they hold tensors
    if outcome.status == "failed" and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _collect(measured: Iterable[Observation], seen: list[Observation]) -> None:
    """Append what is measured to `seen`; the probe's own clean-up runs before this returns."""
    iterator = iter(measured)
    try:
        seen.extend(iterator)
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def _missing(probe: Probe, exam: Examination) -> Text | None:
    for need in probe.needs:
        if not _has(need, exam):
            return _MISSING[need]
    return None


def _has(need: Need, exam: Examination) -> bool:
    if need == "targets":
        return exam.batch.target_tensor is not None
    if need == "optimizer":
        return bool(exam.case.optimizers)
    recording = exam.recording
    if need == "gradients":
        return recording.loss_has_graph and any(
            gradient is not None for gradient in recording.gradients.values()
        )
    return recording.refusal is None


def _why(error: Exception) -> Text:
    if isinstance(error, TorchmedicError):
        return error.text
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return Text(en="it ran out of memory", zh="内存不足")
    place = place_of(error)
    at = f" ({place})" if place else ""
    return Text(en=describe(error) + at, zh=describe(error) + at)


def _teller(probe: Probe, on_event: OnEvent) -> _Teller:
    return _Teller(probe.id, on_event)


@dataclass(slots=True)
class _Teller:
    """Passes progress on, a few times a second at most."""

    id: str
    on_event: OnEvent
    told: float = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self.told >= _SHOWN_EVERY:
            self.told = now
            event: Event = ProbeRunning(self.id, fraction)
            self.on_event(event)
