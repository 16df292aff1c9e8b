"""The fronts' handle on the process that examines a case: start it, listen to it, end it.

The user's code runs there; its crash, its printing and its hunger for memory stay there. A probe
that takes the process down is reported as failed and the others are run in a new one.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from expert.agenda import Agenda
from expert.child_process import ChildProcess
from expert.diagnosis import Inquiry
from expert.errors import UsageError, UserCodeError
from expert.knowledge.base import Knowledge
from expert.language import Text
from expert.observation import Observation

PROGRAM: Final = Path(__file__).resolve().parent.parent / "probes" / "__main__.py"
_MAX_RESTARTS: Final = 3
_TAIL: Final = 16_384  # characters of output kept to explain a death
_PATIENCE: Final = 120.0  # seconds without a sign of life from a probe, at least

EventListener = Callable[[Mapping[str, Any]], None]
OutputListener = Callable[[str], None]


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


def examine(
    spec: str,
    *,
    budget: float = 60.0,
    device: str | None = None,
    only: Iterable[str] = (),
    treated: Iterable[str] = (),
    given: Iterable[Observation] = (),
    knowledge: Knowledge | None = None,
    on_event: EventListener | None = None,
    on_output: OutputListener | None = None,
) -> Examined:
    """Examine the case that `spec`, "FILE.py:FUNC", describes, in a process of its own.

    `budget` in seconds; `only` names probes; `treated` names trials whose treatments are applied
    first, with what they need to know in `given`. With `knowledge` each next probe is chosen by it,
    and what is not worth its cost is left out; without, all are run in their fixed order.
    `on_event` gets every event as it comes, `on_output` what the user's code prints. Raises
    UsageError, or UserCodeError with the user's traceback.
    """
    process = ExaminationProcess(
        spec,
        budget=budget,
        device=device,
        only=only,
        treated=treated,
        given=given,
        knowledge=knowledge,
        on_event=on_event,
        on_output=on_output,
    )
    return process.run()


class ExaminationProcess:
    """An examination that another thread can cancel."""

    def __init__(
        self,
        spec: str,
        *,
        budget: float = 60.0,
        device: str | None = None,
        only: Iterable[str] = (),
        treated: Iterable[str] = (),
        given: Iterable[Observation] = (),
        knowledge: Knowledge | None = None,
        on_event: EventListener | None = None,
        on_output: OutputListener | None = None,
    ) -> None:
        self._spec = spec
        self._budget = budget
        self._device = device
        self._only = tuple(only)
        self._treated = tuple(treated)
        self._given = [seen.to_json() for seen in given] if self._treated else []
        self._knowledge = knowledge
        self._agenda: Agenda | None = None
        self._on_event = on_event or (lambda event: None)
        self._on_output = on_output or (lambda text: None)
        self._child: ChildProcess | None = None
        self._cancelled = False
        self._skipping = False

    def cancel(self) -> None:
        """End the examination now; `run` returns what it has so far. Safe from any thread."""
        self._cancelled = True
        child = self._child
        if child is not None:
            child.kill()

    def skip(self) -> None:
        """Give up the probe at work; the others go on in a new process. Safe from any thread."""
        self._skipping = True
        child = self._child
        if child is not None:
            child.kill()

    def run(self) -> Examined:
        """Run to the end; the callbacks are called in this thread."""
        progress = _Progress()
        end = time.monotonic() + self._budget
        while not (progress.ended or self._cancelled):
            self._run_child(progress, max(end - time.monotonic(), 1.0))
        return progress.result(cancelled=self._cancelled)

    def _run_child(self, progress: _Progress, budget: float) -> None:
        child = ChildProcess(self._command(progress, budget))
        self._child = child
        try:
            if self._cancelled:  # between two processes
                return
            for channel, text in child.listen():
                if channel == "event":
                    self._take(progress, text, child)
                elif channel == "output":
                    progress.tail.append(text)
                    self._on_output(text)
                elif progress.is_silent_for(max(_PATIENCE, 2 * self._budget)):
                    progress.silent = True
                    child.kill()
                if progress.ended:
                    break
        finally:
            child.end()
            self._child = None
        if not (progress.ended or self._cancelled):
            self._after_death(progress, child.status)

    def _command(self, progress: _Progress, budget: float) -> list[str]:
        command = [sys.executable, str(PROGRAM), f"--budget={budget:.3f}"]
        if self._device is not None:
            command.append(f"--device={self._device}")
        only = progress.remaining() or self._only
        if only:
            command.append(f"--only={','.join(only)}")
        if self._treated:
            command.append(f"--treated={','.join(self._treated)}")
            command.append(f"--given={json.dumps(self._given)}")
        if self._knowledge is not None:
            command.append("--asking")
        return [*command, "--", self._spec]

    def _take(self, progress: _Progress, line: str, child: ChildProcess) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # not ours: someone wrote to the channel
            self._on_output(line)
            return
        if event["event"] == "error":
            raise_error(event)
        if event["event"] == "next":
            child.tell(self._next(progress) or "")
        elif progress.take(event):
            self._pass_on(event)

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        """Tell an event to whoever listens, and keep the agenda up to date."""
        self._on_event(event)
        if self._knowledge is None:
            return
        if event["event"] == "start":
            self._agenda = Agenda(self._knowledge, event["probes"])
        elif event["event"] == "probe" and event["status"] != "running" and self._agenda:
            seen = [Observation.from_json(entry) for entry in event["observations"]]
            self._agenda.learn(event["id"], seen)

    def _next(self, progress: _Progress) -> str | None:
        """Return the probe to run next; None, and tell what is left out, when none is worth it."""
        if self._agenda is None:
            return None
        wanted = self._agenda.next()
        if wanted is None:
            for probe, reason in self._agenda.left_out().items():
                self._on_event(progress.leave_out(probe, reason))
        return wanted

    def _after_death(self, progress: _Progress, status: int) -> None:
        """Blame the probe that was running and let the others go on, or give up."""
        why = _silence(progress) if progress.silent else death_of(status)
        culprit = progress.running
        if self._skipping:
            self._skipping = False
            if culprit is not None:
                self._pass_on(progress.give_up(culprit))
            return
        if culprit is None or progress.deaths >= _MAX_RESTARTS:
            raise UserCodeError(
                en=f"The process that ran your code {why.en}.",
                zh=f"运行您代码的进程{why.zh}。",
                traceback=progress.tail_text(),
            )
        self._pass_on(progress.blame(culprit, why))


@dataclass(slots=True)
class _Progress:
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


def _silence(progress: _Progress) -> Text:
    waited = time.monotonic() - progress.heard
    return Text(f"gave no sign of life for {waited:.0f} s", f"已有 {waited:.0f} 秒没有响应")
