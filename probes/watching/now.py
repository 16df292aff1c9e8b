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
    """`step`: optimizer steps so far. `close`: this one is looked at closely."""

    lines: Lines
    schedule: Schedule
    guard: Guard = field(default_factory=Guard)
    readings: Readings = field(default_factory=Readings)
    step: int = 0
    backwards: int = 0
    close: bool = True
    close_left: int = 1
    compiled: bool = False
    nonfinite_loss: bool = False
    looked_at_loss: int = 0  # backward passes when its course was last looked at

    def is_lean(self) -> bool:
        """Return whether only the cheapest may be done."""
        return self.schedule.is_over_budget(self.guard.seconds) and not self.close


def recomputing() -> bool:
    """Return whether autograd is running: a forward pass now is activation checkpointing's."""
    return bool(torch._C._current_graph_task_id() != -1)


def idle(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether torch.compile is reading the code that runs."""
    return torch.compiler.is_compiling()
