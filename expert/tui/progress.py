"""How far an examination has come: the state that its events build up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from expert.language import Text
from expert.observation import Observation

if TYPE_CHECKING:
    from expert.diagnosis import Inquiry

Status = Literal["waiting", "running", "done", "skipped", "failed", "stopped"]
ENDED: frozenset[Status] = frozenset({"done", "skipped", "failed"})
_KNOWN_ENOUGH = 0.1  # of the work: below this an estimate of the time left is a guess


@dataclass(slots=True)
class ProbeState:
    """One probe and how it goes."""

    id: str
    title: Text
    cost: int = 1
    status: Status = "waiting"
    progress: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    reason: Text | None = None
    cut_short: bool = False
    started: float | None = None  # on the clock of the caller

    @property
    def share(self) -> float:
        """The part of this probe that is over, in [0, 1]."""
        return 1.0 if self.status in ENDED else self.progress


@dataclass(slots=True)
class Progress:
    """All probes of an examination, in their order, and what they observed."""

    started: float
    budget: float
    probes: dict[str, ProbeState] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)

    def apply(self, event: Mapping[str, Any], now: float) -> ProbeState | None:
        """Take in one event; return the probe that it is about, if any."""
        if event.get("event") == "start":
            self.probes = {item["id"]: _planned(item) for item in event["probes"]}
        if event.get("event") != "probe":
            return None
        id_ = event["id"]
        probe = self.probes.setdefault(id_, ProbeState(id_, Text(en=id_, zh=id_)))
        if event["status"] == "running":
            _run_on(probe, event, now)
        else:
            self._end(probe, event)
        return probe

    def stop(self) -> None:
        """Mark what was not reached."""
        for probe in self.probes.values():
            if probe.status not in ENDED:
                probe.status = "stopped"

    def fraction(self) -> float:
        """Return the part of the work that is over, each probe weighed by its cost."""
        total = sum(max(probe.cost, 1) for probe in self.probes.values())
        over = sum(max(probe.cost, 1) * probe.share for probe in self.probes.values())
        return over / total if total else 0.0

    def seconds_left(self, now: float) -> tuple[float, bool]:
        """Return the seconds that are left, and whether they are estimated (else the limit)."""
        elapsed, fraction = now - self.started, self.fraction()
        limit = max(0.0, self.budget - elapsed)
        if fraction < _KNOWN_ENOUGH:
            return limit, False
        return min(limit, elapsed * (1.0 - fraction) / fraction), True

    def count(self, *statuses: Status) -> int:
        """Return the number of probes in one of `statuses`."""
        return sum(probe.status in statuses for probe in self.probes.values())

    def inquiries(self) -> tuple[Inquiry, ...]:
        """Return the probes that ended, as the diagnosis lists them."""
        from expert.diagnosis import Inquiry  # not before the first frame

        return tuple(
            Inquiry(p.id, "probe", p.status, p.seconds, p.steps, p.reason, p.cut_short)
            for p in self.probes.values()
            if p.status == "done" or p.status == "skipped" or p.status == "failed"
        )

    def _end(self, probe: ProbeState, event: Mapping[str, Any]) -> None:
        probe.status = event["status"]
        probe.progress = 1.0
        probe.seconds = float(event.get("seconds") or 0.0)
        probe.steps = int(event.get("steps") or 0)
        probe.reason = Text.from_json(event["reason"]) if event.get("reason") else None
        probe.cut_short = bool(event.get("cut_short"))
        self.observations += map(Observation.from_json, event.get("observations") or ())


def _planned(item: Mapping[str, Any]) -> ProbeState:
    return ProbeState(item["id"], Text.from_json(item["title"]), int(item.get("cost") or 1))


def _run_on(probe: ProbeState, event: Mapping[str, Any], now: float) -> None:
    if probe.started is None:
        probe.started = now
    probe.status = "running"
    probe.progress = min(1.0, max(probe.progress, float(event.get("progress") or 0.0)))
    probe.seconds = now - probe.started
