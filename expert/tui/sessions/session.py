"""A session: what is examined and everything learnt about it, as it is kept on disk."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from expert.language import Text
from expert.observation import Observation
from expert.tui.outcome import Subject
from expert.tui.progress import ProbeState
from expert.tui.sessions.curves import Curves, curves_from_json, curves_to_json

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis, Inquiry

SCHEMA: Final = "torchmedic.session/1"
_OUTPUT_KEPT: Final = 400  # lines

Answer = tuple[str, str | None]  # question, choice; None is "I don't know"


@dataclass(slots=True)
class Session:
    """Everything learnt about one case. `treated`: trials applied beforehand.

    `follows` is the id of the session before it: the same case, before it was changed.
    """

    subject: Subject
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    begun: float = field(default_factory=time.time)
    changed: float = 0.0
    measured: tuple[Observation, ...] = ()
    probes: tuple[ProbeState, ...] = ()
    answers: tuple[Answer, ...] = ()
    trials: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # results, by id
    curves: Curves = field(default_factory=dict)
    output: tuple[str, ...] = ()
    complete: bool = False
    treated: tuple[str, ...] = ()
    given: tuple[Observation, ...] = ()  # what the treatments need to know
    follows: str | None = None
    headline: Text | None = None  # of the first finding
    certainty: float = 0.0

    @property
    def inquiries(self) -> tuple[Inquiry, ...]:
        """What was examined and how that went, as a diagnosis lists it."""
        return inquiries_of(self.probes)

    def conclude(self, diagnosis: Diagnosis) -> None:
        """Note what the diagnosis says first, for the list of sessions."""
        first = next(iter(diagnosis.findings), None)
        self.headline = first.title if first else None
        self.certainty = first.certainty if first else 0.0

    def successor(self, treated: Sequence[str] = ()) -> Session:
        """Return a new session on the same case, to be compared with this one."""
        return Session(
            self.subject,
            answers=self.answers,
            treated=tuple(treated),
            given=self.measured if treated else (),
            follows=self.id,
        )

    def summary(self) -> dict[str, Any]:
        """Return what a list of sessions shows, as a JSON object."""
        return {
            "id": self.id,
            "changed": self.changed,
            "subject": self.subject.to_json(),
            "complete": self.complete,
            "headline": self.headline.to_json() if self.headline else None,
            "certainty": self.certainty,
            "answers": len(self.answers),
            "trials": len(self.trials),
            "measured": len(self.measured),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the session as a JSON object."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "begun": self.begun,
            "changed": self.changed,
            "subject": self.subject.to_json(),
            "complete": self.complete,
            "treated": list(self.treated),
            "given": [seen.to_json() for seen in self.given],
            "follows": self.follows,
            "headline": self.headline.to_json() if self.headline else None,
            "certainty": self.certainty,
            "answers": [list(answer) for answer in self.answers],
            "trials": self.trials,
            "curves": curves_to_json(self.curves),
            "probes": [_probe_to_json(probe) for probe in self.probes],
            "measured": [seen.to_json() for seen in self.measured],
            "output": list(self.output[-_OUTPUT_KEPT:]),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Session:
        """Read what `to_json` wrote; raises ValueError, KeyError or TypeError for anything else."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, expected {SCHEMA}")
        return cls(
            subject=Subject.from_json(data["subject"]),
            id=str(data["id"]),
            begun=float(data["begun"]),
            changed=float(data["changed"]),
            measured=tuple(map(Observation.from_json, data["measured"])),
            probes=tuple(map(_probe_from_json, data["probes"])),
            answers=tuple((str(question), choice) for question, choice in data["answers"]),
            trials=dict(data["trials"]),
            curves=curves_from_json(data["curves"]),
            output=tuple(map(str, data["output"])),
            complete=bool(data["complete"]),
            treated=tuple(map(str, data["treated"])),
            given=tuple(map(Observation.from_json, data["given"])),
            follows=data["follows"],
            headline=Text.from_json(data["headline"]) if data["headline"] else None,
            certainty=float(data["certainty"]),
        )


def inquiries_of(probes: Sequence[ProbeState]) -> tuple[Inquiry, ...]:
    """Return the probes that ended, as the diagnosis lists them."""
    from expert.diagnosis import Inquiry  # not before the first frame

    return tuple(
        Inquiry(p.id, "probe", p.status, p.seconds, p.steps, p.reason, p.cut_short)
        for p in probes
        if p.status == "done" or p.status == "skipped" or p.status == "failed"
    )


def _probe_to_json(probe: ProbeState) -> dict[str, Any]:
    return {
        "id": probe.id,
        "title": probe.title.to_json(),
        "cost": probe.cost,
        "status": "waiting" if probe.status == "running" else probe.status,
        "seconds": probe.seconds,
        "steps": probe.steps,
        "reason": probe.reason.to_json() if probe.reason else None,
        "cut_short": probe.cut_short,
    }


def _probe_from_json(data: Mapping[str, Any]) -> ProbeState:
    return ProbeState(
        id=data["id"],
        title=Text.from_json(data["title"]),
        cost=int(data["cost"]),
        status=data["status"],
        seconds=float(data["seconds"]),
        steps=int(data["steps"]),
        reason=Text.from_json(data["reason"]) if data["reason"] else None,
        cut_short=bool(data["cut_short"]),
    )
