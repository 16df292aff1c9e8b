"""What is examined, and what an examination leaves behind for the diagnosis screen."""

from __future__ import annotations

from dataclasses import dataclass

from expert.diagnosis import Diagnosis
from expert.language import Language, Text
from expert.tui.progress import ProbeState


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: its place, and its name if it has one."""

    spec: str
    name: Text | None = None

    def title(self, language: Language) -> str:
        """Return what the screens call it."""
        return self.name.get(language) if self.name else self.spec


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an examination left behind, for the diagnosis screen."""

    subject: Subject
    diagnosis: Diagnosis
    probes: tuple[ProbeState, ...]
    output: tuple[str, ...]
    complete: bool
