"""Progress of an examination on the terminal, on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text as Styled

from expert.language import Language


class ProgressDisplay:
    """A bar with the probe that runs; silent where standard error is no terminal."""

    def __init__(self, console: Console, language: Language) -> None:
        self.console = console
        self.language = language
        self.titles: dict[str, str] = {}
        self.costs: dict[str, float] = {}
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:  # elsewhere even a disabled bar would end with an empty line
            self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the bar out of the way while a person is asked."""
        if not self.console.is_terminal:
            yield
            return
        self.progress.stop()
        try:
            yield
        finally:
            self.progress.start()

    def update(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the examination."""
        match event.get("event"):
            case "start":
                self._begin_anew()
                self._start(event["probes"])
            case "warning":
                self.user_output(f"torchmedic: {event['message'][self.language]}")
            case "probe":
                self._probe(event)
            case "trials":
                self._start([{**trial, "cost": 1} for trial in event["trials"]])
            case "trial":
                self._probe(event)

    def user_output(self, line: str) -> None:
        """Show what the user's own code printed, as it was."""
        self.console.print(Styled(line.rstrip("\n")), highlight=False, soft_wrap=True)

    def _begin_anew(self) -> None:
        self.costs.clear()
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None

    def _start(self, probes: list[Mapping[str, Any]]) -> None:
        for probe in probes:
            self.titles[probe["id"]] = probe["title"][self.language]
            self.costs[probe["id"]] = 1.0 + probe["cost"]
        total = sum(self.costs.values())
        if self.task is None:
            self.task = self.progress.add_task("", total=total)
        self.progress.update(self.task, total=total)

    def _probe(self, event: Mapping[str, Any]) -> None:
        if self.task is None:
            return
        title = self.titles.get(event["id"], event["id"])
        if event["status"] == "running":
            self.progress.update(self.task, description=title)
        else:
            self.progress.advance(self.task, self.costs.get(event["id"], 1.0))
