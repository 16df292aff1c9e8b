"""One share of the trials, made by one process: what it has told, and which trial is to blame."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from expert.child_process import ChildProcess
from expert.errors import UserCodeError
from expert.examined import death_of, raise_error
from expert.language import Text

MAX_RESTARTS: Final = 3

Said = tuple[str, str]  # "event" and a JSON line, "output" and text, "status" and an exit status


class Voice(Protocol):
    """A running process that can be listened to until it has ended, and be ended."""

    def listen(self) -> Iterator[Said]:
        """Yield what it says, at last ("status", its exit status)."""

    def end(self) -> None:
        """End it now. Safe from any thread, and twice."""


Start = Callable[[Sequence[str]], Voice]  # from the arguments of `python -m probes`


class LocalVoice:
    """A process on this machine."""

    def __init__(self, command: Sequence[str]) -> None:
        self._child = ChildProcess(command)

    def listen(self) -> Iterator[Said]:
        """Yield what it says; ("silence", "") now and then, so that one can look up."""
        yield from self._child.listen()
        yield "status", str(self._child.status)

    def end(self) -> None:
        """End it and what it has started."""
        self._child.end()


@dataclass(slots=True)
class Share:
    """The trials of one worker, and how far they are."""

    worker: int
    waiting: list[str]
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    running: str | None = None
    ended: bool = False
    voice: Voice | None = None

    def run(
        self,
        start: Callable[[Share], Voice],
        put: Callable[[Share, Said], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Make the trials, in a new process after each that takes one down."""
        for _ in range(MAX_RESTARTS + 1):
            if self.is_over or stopped():
                return
            voice = self.voice = start(self)
            status = 0
            try:
                for said in voice.listen():
                    if stopped():
                        return
                    if said[0] == "status":
                        status = int(said[1])
                    elif said[0] != "silence":
                        self.note(said)
                        put(self, said)
                    if self.ended:
                        break
            finally:
                voice.end()
            if not self.is_over and not stopped():
                put(self, ("event", json.dumps(self.blame(status))))

    @property
    def is_over(self) -> bool:
        """Return whether there is nothing left to do."""
        return self.ended or not self.waiting

    def note(self, said: Said) -> None:
        """Take in an event; what is no event of ours is passed over here."""
        with contextlib.suppress(ValueError):
            event = json.loads(said[1]) if said[0] == "event" else {}
            if event.get("event") == "error":
                raise_error(event)
            if event.get("event") == "end":
                self.ended = True
            elif event.get("event") == "trial":
                self._note_trial(event)

    def _note_trial(self, event: Mapping[str, Any]) -> None:
        id_, result = event["id"], event.get("result")
        self.running = id_ if event["status"] == "running" else None
        if result is not None and id_ in self.waiting:
            self.results[id_] = result
            self.waiting.remove(id_)

    def blame(self, status: int) -> dict[str, Any]:
        """Note that a trial took the process down, and return that as an event.

        Without one it is the case's own doing: raises UserCodeError.
        """
        why = death_of(status)
        if self.running is None or self.running not in self.waiting:
            raise UserCodeError(
                en=f"The process that ran your code {why.en}.", zh=f"运行您代码的进程{why.zh}。"
            )
        culprit, self.running = self.running, None
        self.waiting.remove(culprit)
        self.results[culprit] = untried(culprit, Text(f"the process {why.en}", f"进程{why.zh}"))
        return {
            "event": "trial",
            "id": culprit,
            "status": "done",
            "result": self.results[culprit],
        }


def untried(id_: str, reason: Text) -> dict[str, Any]:
    """Return the result of a trial that was not made."""
    return {
        "id": id_,
        "tried": False,
        "improved": False,
        "cured": False,
        "steps": 0,
        "seconds": 0.0,
        "also": [],
        "curves": {},
        "reason": reason.to_json(),
    }
