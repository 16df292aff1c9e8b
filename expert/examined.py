"""What an examination has found out, so far and in the end, from what its processes told."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from expert.diagnosis import Inquiry
from expert.errors import UsageError, UserCodeError
from expert.language import Text
from expert.observation import Observation

_TAIL: Final = 16_384  # characters of output kept to explain a death


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination has found out.

    `cancelled`: it was ended early, this is what it had. `refusal`: the user's loss function raised
    this; what needs no loss was examined all the same, and may explain it.
    """

    observations: tuple[Observation, ...]
    inquiries: tuple[Inquiry, ...]
    cancelled: bool = False
    refusal: UserCodeError | None = None


@dataclass(slots=True)
class Progress:
    """What is known so far, over all the processes that one examination took."""

    planned: list[str] = field(default_factory=list)
    inquiries: dict[str, Inquiry] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=256))
    running: str | None = None
    ended: bool = False
    silent: bool = False
    deaths: int = 0
    refusal: UserCodeError | None = None
    heard: float = 0.0
    tried: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # results of trials, by id

    def take(self, event: Mapping[str, Any]) -> bool:
        """Note an event; returns whether it is news to listeners (a second start says none)."""
        self.heard = time.monotonic()
        if event["event"] == "end":
            self.ended = True
        elif event["event"] == "start":
            return self._take_start(event)
        elif event["event"] == "warning":
            return not self.planned
        elif event["event"] == "probe":
            self._take_probe(event)
        elif event["event"] == "loss-refused":
            self.refusal = _user_code_error(event)
        return True

    def _take_start(self, event: Mapping[str, Any]) -> bool:
        if self.planned:
            return False
        self.planned = [probe["id"] for probe in event["probes"]]
        return True

    def _take_probe(self, event: Mapping[str, Any]) -> None:
        if event["status"] == "running":
            self.running = event["id"]
            return
        self.running = None
        reason = event["reason"]
        self.inquiries[event["id"]] = Inquiry(
            id=event["id"],
            kind="probe",
            status=event["status"],
            seconds=event["seconds"],
            steps=event["steps"],
            reason=None if reason is None else Text.from_json(reason),
            cut_short=event.get("cut_short", False),
        )
        for entry in event["observations"]:
            seen = Observation.from_json(entry)
            self.observations[seen.name] = seen

    def note(self, inquiry: Inquiry) -> None:
        """Note a question or a trial."""
        self.inquiries[f"{inquiry.kind}:{inquiry.id}"] = inquiry

    def is_silent_for(self, seconds: float) -> bool:
        """Return whether a probe is at work and nothing was heard of it for that long."""
        return self.running is not None and time.monotonic() - self.heard > seconds

    def remaining(self) -> list[str]:
        """Return the probes still to be run after a death; empty before any."""
        return [probe for probe in self.planned if probe not in self.inquiries]

    def blame(self, probe: str, why: Text) -> dict[str, Any]:
        """Note that a probe took the process down; returns that as an event."""
        self.deaths += 1
        reason = Text(f"the process {why.en}", f"进程{why.zh}")
        return self._without(probe, "failed", reason)

    def give_up(self, probe: str) -> dict[str, Any]:
        """Note that a probe was skipped while it was at work; returns that as an event."""
        return self._without(probe, "skipped", Text("you skipped it", "您跳过了它"))

    def leave_out(self, probe: str, reason: Text) -> dict[str, Any]:
        """Note that a probe is not run; returns that as an event."""
        return self._unrun(probe, "skipped", reason)

    def _without(
        self, probe: str, status: Literal["failed", "skipped"], reason: Text
    ) -> dict[str, Any]:
        self.running, self.silent = None, False
        event = self._unrun(probe, status, reason)
        self.ended = not self.remaining()
        return event

    def _unrun(
        self, probe: str, status: Literal["failed", "skipped"], reason: Text
    ) -> dict[str, Any]:
        self.inquiries[probe] = Inquiry(probe, "probe", status, reason=reason)
        return {
            "event": "probe",
            "id": probe,
            "status": status,
            "seconds": 0.0,
            "steps": 0,
            "reason": reason.to_json(),
            "observations": [],
        }

    def tail_text(self) -> str:
        """Return the last of what the process printed."""
        return "".join(self.tail)[-_TAIL:]

    def result(self, *, cancelled: bool) -> Examined:
        """Return everything, inquiries as they were made; those never made are told as skipped."""
        reason = Text("the examination was cancelled", "检查已取消")
        for probe in self.remaining():
            self.inquiries[probe] = Inquiry(probe, "probe", "skipped", reason=reason)
        seen = tuple(self.observations.values())
        return Examined(
            seen, tuple(self.inquiries.values()), cancelled=cancelled, refusal=self.refusal
        )


def raise_error(event: Mapping[str, Any]) -> None:
    """Raise what an "error" event tells: UsageError or UserCodeError."""
    if event["kind"] == "user-code":
        raise _user_code_error(event)
    text = Text.from_json(event["message"])
    raise UsageError(en=text.en, zh=text.zh)


def _user_code_error(event: Mapping[str, Any]) -> UserCodeError:
    text = Text.from_json(event["message"])
    return UserCodeError(en=text.en, zh=text.zh, traceback=event.get("traceback") or "")


def death_of(status: int) -> Text:
    """Return why a process died, from its exit status (negative: the signal that killed it)."""
    if status >= 0:
        return Text(
            f"ended before it was done, with exit status {status}",
            f"未完成就退出了，退出状态为 {status}",
        )
    name = str(-status)
    with contextlib.suppress(ValueError):
        name = signal.Signals(-status).name
    if name == "SIGKILL":
        return Text(
            "was killed (SIGKILL), most often because memory ran out: try smaller batches",
            "被终止（SIGKILL），多半是内存不足：请尝试更小的批次",
        )
    return Text(f"crashed ({name}) in native code", f"在原生代码中崩溃（{name}）")


def silence_of(progress: Progress) -> Text:
    """Return how long nothing was heard, as the end of a sentence."""
    waited = time.monotonic() - progress.heard
    return Text(f"gave no sign of life for {waited:.0f} s", f"已有 {waited:.0f} 秒没有响应")
