"""The fronts' handle on the process that tries fixes on copies of a case."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from expert.child_process import ChildProcess
from expert.diagnosis import Inquiry
from expert.errors import UserCodeError
from expert.examination import PROGRAM, death_of, raise_error
from expert.language import Text
from expert.observation import Observation

EventListener = Callable[[Mapping[str, Any]], None]
OutputListener = Callable[[str], None]
_MAX_RESTARTS: Final = 3
_SCALARS: Final = ("before", "after", "baseline")
_LEAST_EFFECT: Final = 0.01  # of a trial that improved the loss alone


@dataclass(frozen=True, slots=True)
class Tried:
    """What trials have shown: the result of each as it was told, by id."""

    results: Mapping[str, Mapping[str, Any]]
    inquiries: tuple[Inquiry, ...]

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The trial that helped most; None when none did."""
        helped = [result for result in self.results.values() if result["improved"]]
        order = ("cured", "score", "gain")
        return max(helped, key=lambda r: tuple(map(r.get, order)), default=None)

    @property
    def first(self) -> str | None:
        """The first that was tried; None when none was."""
        return next((id_ for id_, result in self.results.items() if result["tried"]), None)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The results as facts for a diagnosis, one value per trial; those refused are left out."""
        done = [result for result in self.results.values() if result["tried"]]
        where = tuple(result["id"] for result in done)
        if not done:
            return ()
        columns: dict[str, tuple[Any, ...]] = {
            "effect": tuple(_effect(result) for result in done),
            **{name: tuple(r[name] for r in done) for name in ("improved", "cured", "measure")},
            "steps": tuple(result["steps"] for result in done),
            **{name: tuple(_number(r[name]) for r in done) for name in _SCALARS},
        }
        return tuple(
            Observation(f"trial.{name}", values, where, "trial:comparison")
            for name, values in columns.items()
        )


def _effect(result: Mapping[str, Any]) -> float:
    return max(float(result["gain"]), _LEAST_EFFECT) if result["improved"] else 0.0


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def try_fixes(
    spec: str,
    trials: Sequence[str],
    *,
    given: Iterable[Observation] = (),
    treated: Sequence[str] = (),
    budget: float = 60.0,
    device: str | None = None,
    on_event: EventListener = lambda event: None,
    on_output: OutputListener = lambda text: None,
) -> Tried:
    """Try treatments on the case that `spec`, "FILE.py:FUNC", describes, in a process of its own.

    `given`: facts that they may use; `treated`: treatments that every run begins with. A trial that
    takes the process down is told as failed and the others go on. Raises UsageError, UserCodeError.
    """
    told = _Told(waiting=list(trials))
    for _ in range(_MAX_RESTARTS + 1):
        if not told.waiting:
            break
        command = [sys.executable, str(PROGRAM), f"--budget={budget:.3f}"]
        command += [f"--trials={','.join(told.waiting)}", f"--treated={','.join(treated)}"]
        command += [f"--given={json.dumps([seen.to_json() for seen in given])}"]
        command += [] if device is None else [f"--device={device}"]
        child = ChildProcess([*command, "--", spec])
        try:
            for channel, text in child.listen():
                if channel == "event":
                    told.take(text, on_event, on_output)
                elif channel == "output":
                    on_output(text)
                if told.ended:
                    break
        finally:
            child.end()
        if not told.ended:
            told.blame(child.status)
    return Tried(told.results, tuple(map(_inquiry, told.results.values())))


@dataclass(slots=True)
class _Told:
    """What the process has told so far."""

    waiting: list[str]
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    running: str | None = None
    ended: bool = False

    def take(self, line: str, on_event: EventListener, on_output: OutputListener) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # not ours: someone wrote to the channel
            on_output(line)
            return
        if event["event"] == "error":
            raise_error(event)
        if event["event"] == "end":
            self.ended = True
        elif event["event"] == "trial":
            self._take_trial(event)
        on_event(event)

    def _take_trial(self, event: Mapping[str, Any]) -> None:
        id_, result = event["id"], event.get("result")
        self.running = id_ if event["status"] == "running" else None
        if result is not None:
            self.results[id_] = result
            self.waiting.remove(id_)

    def blame(self, status: int) -> None:
        """Note that a trial took the process down; without one it is the case's own doing."""
        why = death_of(status)
        if self.running not in self.waiting:
            raise UserCodeError(
                en=f"The process that ran your code {why.en}.", zh=f"运行您代码的进程{why.zh}。"
            )
        culprit, self.running = self.running, None
        self.waiting.remove(culprit)
        reason = Text(f"the process {why.en}", f"进程{why.zh}")
        self.results[culprit] = {
            "id": culprit,
            "tried": False,
            "improved": False,
            "cured": False,
            "steps": 0,
            "reason": reason.to_json(),
        }


def _inquiry(result: Mapping[str, Any]) -> Inquiry:
    reason = result.get("reason")
    return Inquiry(
        id=result["id"],
        kind="trial",
        status="done" if result["tried"] else "skipped",
        steps=result["steps"],
        reason=None if reason is None else Text.from_json(reason),
    )
