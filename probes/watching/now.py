"""What all observers share: the step that is running, and whether it is looked at closely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from probes.watching.frames import Lines
from probes.watching.guard import Guard
from probes.watching.readings import Readings
from probes.watching.schedule import Schedule


@dataclass(slots=True)
class Now:
    """`step`: optimizer steps so far. `close`: this one is looked at closely.

    `asleep`: it is only counted.
    """

    lines: Lines
    schedule: Schedule
    guard: Guard = field(default_factory=Guard)
    readings: Readings = field(default_factory=Readings)
    step: int = 0
    backwards: int = 0
    close: bool = True
    left: int = 1  # steps that are looked at as this one is
    asleep: bool = False
    naps: int = 0  # steps to be slept through, this one included
    compiled: bool = False
    nonfinite_loss: bool = False
    looked_at_loss: int = 0  # backward passes when its course was last looked at

    def look_closely(self, steps: int) -> None:
        """Look closely at the step that is running, and as many in all."""
        self.close, self.left, self.asleep = True, steps, False

    def wake(self) -> None:
        """Stay awake until the step that is running ends."""
        self.asleep = False

    def next(self, steps: int) -> None:
        """Decide how the next step is looked at, and with it so many `steps` in a row."""
        self.schedule.book(self.step, self.guard.seconds, close=self.close)
        if self.left > 1:
            self.left -= 1
            return
        self.close, self.left = self.schedule.is_due(self.step), steps
        self.naps = 0 if self.close else self.schedule.naps(self.step)
        self.asleep = self.naps > 0

    def nap(self) -> None:
        """End a step that was slept through."""
        self.naps -= 1
        self.asleep = self.naps > 0

    def next_pass(self) -> None:
        """Decide how the next backward pass of a loop without steps is looked at."""
        self.schedule.book(self.backwards, self.guard.seconds, close=False)
        self.naps = self.schedule.naps(self.backwards)
        self.asleep = self.naps > 0


def recomputing() -> bool:
    """Return whether autograd is running: a forward pass now is activation checkpointing's."""
    return bool(torch._C._current_graph_task_id() != -1)


def idle(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether torch.compile is reading the code that runs."""
    return torch.compiler.is_compiling()
