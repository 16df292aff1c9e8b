"""What is told while an examination runs, and how it is written as JSON for the parent process."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from expert.errors import UserCodeError
from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe

if TYPE_CHECKING:
    from probes.trials.trial import Trial

Status = Literal["running", "done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Started:
    """The examination starts: these probes will be run, in this order."""

    probes: Sequence[Probe]
    idle: frozenset[str] = frozenset()  # those for which the case has nothing to look at

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        listed = [
            {
                "id": probe.id,
                "title": probe.title.to_json(),
                "cost": probe.cost,
                "usual": probe.cost if probe.usual is None else probe.usual,
                "provides": list(probe.provides),
                "after": list(probe.after),
                "seconds": probe.seconds,
                "idle": probe.id in self.idle,
            }
            for probe in self.probes
        ]
        return {"event": "start", "probes": listed}


@dataclass(frozen=True, slots=True)
class Warned:
    """Something is not as it should be, and the examination goes on without it."""

    text: Text

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {"event": "warning", "message": self.text.to_json()}


@dataclass(frozen=True, slots=True)
class ProbeWanted:
    """The examination waits to be told which probe to run next."""

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {"event": "next"}


@dataclass(frozen=True, slots=True)
class ProbeRunning:
    """A probe is at work; `progress` from 0 to 1."""

    id: str
    progress: float

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {
            "event": "probe",
            "id": self.id,
            "status": "running",
            "progress": round(self.progress, 3),
        }


@dataclass(frozen=True, slots=True)
class ProbeEnded:
    """A probe is over: what it saw, what it took, and why it stopped early or did not run.

    `cut_short`: more time would have shown more.
    """

    id: str
    status: Literal["done", "skipped", "failed"]
    seconds: float = 0.0
    steps: int = 0
    reason: Text | None = None
    observations: tuple[Observation, ...] = ()
    cut_short: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {
            "event": "probe",
            "id": self.id,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            "steps": self.steps,
            "reason": self.reason.to_json() if self.reason else None,
            "cut_short": self.cut_short,
            "observations": [seen.to_json() for seen in self.observations],
        }


@dataclass(frozen=True, slots=True)
class LossRefused:
    """The user's loss function raised; the probes that need no loss have run all the same."""

    error: UserCodeError

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        message, traceback = self.error.text.to_json(), self.error.traceback or None
        return {"event": "loss-refused", "message": message, "traceback": traceback}


@dataclass(frozen=True, slots=True)
class TrialsStarted:
    """Trials start: the case without any ("baseline") first, then these treatments.

    `device`: where they run ("cuda:1"), and `held_out`: whether there are validation data.
    """

    trials: Sequence[Trial]
    device: str = "cpu"
    held_out: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        listed = [{"id": trial.id, "title": trial.title.to_json()} for trial in self.trials]
        return {
            "event": "trials",
            "trials": listed,
            "device": self.device,
            "held_out": self.held_out,
        }


Point = tuple[int, float]  # step, loss


@dataclass(frozen=True, slots=True)
class TrialRunning:
    """A trial (or the baseline) is at work; `progress` from 0 to 1.

    `run`: which of its trainings this is; the curve begins anew with each. `train`: points of the
    training curve that came since the last event, (step, loss before that step); `validation`: of
    the validation curve. A loss that is not finite is None in JSON.
    """

    id: str
    progress: float
    run: int = 0
    steps: int = 0  # planned, 0 while that is not known
    train: tuple[Point, ...] = ()
    validation: tuple[Point, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {
            "event": "trial",
            "id": self.id,
            "status": "running",
            "progress": round(self.progress, 3),
            "run": self.run,
            "steps": self.steps,
            "train": points_to_json(self.train),
            "validation": points_to_json(self.validation),
        }


def points_to_json(points: Sequence[Point]) -> list[list[float | None]]:
    """Return a curve as [step, loss] pairs; a loss that is not finite becomes None."""
    return [[step, float(f"{loss:.5g}") if math.isfinite(loss) else None] for step, loss in points]


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is over; `result` as TrialResult.to_json() gives it, None for the baseline."""

    id: str
    result: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {"event": "trial", "id": self.id, "status": "done", "result": self.result}


Event = (
    Started
    | Warned
    | ProbeWanted
    | ProbeRunning
    | ProbeEnded
    | LossRefused
    | TrialsStarted
    | TrialRunning
    | TrialEnded
)
OnEvent = Callable[[Event], None]
