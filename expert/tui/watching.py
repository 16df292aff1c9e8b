"""A watched script in a process of its own: what it prints, and the stream of what is seen."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from expert.child_process import ChildProcess
from expert.observation import Observation
from expert.tui.examining import OnEvent, OnOutput

_PROGRAM: Final = Path(__file__).resolve().parents[1] / "__main__.py"


@dataclass(frozen=True, slots=True)
class Watched:
    """How the script ended, and everything observed; no observations where no training was seen."""

    status: int
    observations: tuple[Observation, ...] = ()


class RunningScript(Protocol):
    """A script that `run` watches to its end (blocking)."""

    def run(self) -> Watched:
        """Run the script to its end."""

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C would; what was seen is still told."""

    def cancel(self) -> None:
        """End it at once; may be called at any time and more than once."""


class Watch(Protocol):
    """Prepares the watching of a script; nothing runs before `run` is called."""

    def __call__(
        self, command: Sequence[str], *, on_event: OnEvent, on_output: OnOutput
    ) -> RunningScript:
        """Return the script, ready to run; `command` is its path and arguments."""


class WatchProcess:
    """`torchmedic run` as a child: its events through a file, its report through another."""

    def __init__(self, command: Sequence[str], *, on_event: OnEvent, on_output: OnOutput) -> None:
        self._command = list(command)
        self._on_event, self._on_output = on_event, on_output
        self._child: ChildProcess | None = None
        self._cancelled = False

    def run(self) -> Watched:
        """Run the script to its end; the callbacks are called in this thread."""
        with tempfile.TemporaryDirectory(prefix="torchmedic-") as folder:
            events, report = Path(folder, "events"), Path(folder, "report.json")
            events.touch()
            options = ["run", f"--events={events}", f"--json={report}", "--", *self._command]
            child = ChildProcess([sys.executable, str(_PROGRAM), *options])
            self._child = child
            try:
                with events.open(encoding="utf-8") as told:
                    self._listen(child, told)
            finally:
                status = child.status
                child.end()
                self._child = None
            return Watched(status, tuple(_observations(report)))

    def _listen(self, child: ChildProcess, told: Any) -> None:
        if self._cancelled:
            return
        rest = ""
        for channel, text in child.listen():
            if channel != "silence":
                self._on_output(text)
            *lines, rest = (rest + told.read()).split("\n")
            self._tell(lines)
        self._tell((rest + told.read()).split("\n"))

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            with contextlib.suppress(ValueError):
                self._on_event(json.loads(line))

    def interrupt(self) -> None:
        """Ask the script to end, as Ctrl-C would."""
        child = self._child
        if child is not None:
            child.interrupt()

    def cancel(self) -> None:
        """End the script at once."""
        self._cancelled = True
        child = self._child
        if child is not None:
            child.kill()


def _observations(report: Path) -> Iterator[Observation]:
    try:
        facts: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))["facts"]
    except (OSError, ValueError, KeyError):
        return  # no training was seen, or the script ended us with it
    for name, fact in facts.items():
        yield Observation.from_json({"name": name, **fact})
