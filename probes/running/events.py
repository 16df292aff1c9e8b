"""What is told while an examination runs, and how it is written as JSON for the parent process."""

from __future__ import annotations

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

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        listed = [
            {"id": probe.id, "title": probe.title.to_json(), "cost": probe.cost}
            for probe in self.probes
        ]
        return {"event": "start", "probes": listed}


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
    """Trials start: the case without any ("baseline") first, then these treatments."""

    trials: Sequence[Trial]

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        listed = [{"id": trial.id, "title": trial.title.to_json()} for trial in self.trials]
        return {"event": "trials", "trials": listed}


@dataclass(frozen=True, slots=True)
class TrialRunning:
    """A trial is at work; `progress` from 0 to 1."""

    id: str
    progress: float

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        progress = round(self.progress, 3)
        return {"event": "trial", "id": self.id, "status": "running", "progress": progress}


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is over; `result` as TrialResult.to_json() gives it, None for the baseline."""

    id: str
    result: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        return {"event": "trial", "id": self.id, "status": "done", "result": self.result}


Event = (
    Started | ProbeRunning | ProbeEnded | LossRefused | TrialsStarted | TrialRunning | TrialEnded
)
OnEvent = Callable[[Event], None]
