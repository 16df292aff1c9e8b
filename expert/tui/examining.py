"""What the screens need of an examination in a child process, and how one is started.

The screens know only these protocols, so that tests can hand in an examination that is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from expert.diagnosis import Inquiry
from expert.errors import UserCodeError
from expert.observation import Observation

OnEvent = Callable[[Mapping[str, Any]], None]
OnOutput = Callable[[str], None]


class Examined(Protocol):
    """What an examination ends with."""

    @property
    def observations(self) -> Sequence[Observation]:
        """Everything observed."""

    @property
    def inquiries(self) -> Sequence[Inquiry]:
        """What was tried, and how it went."""

    @property
    def refusal(self) -> UserCodeError | None:
        """What the user's loss function raised, if it did."""


class RunningExamination(Protocol):
    """An examination that `run` carries out (blocking) and `cancel` ends from another thread."""

    def run(self) -> Examined:
        """Carry out the examination; raises `UsageError` or `UserCodeError`."""

    def cancel(self) -> None:
        """End the child process, if it runs; may be called at any time and more than once."""


class Examine(Protocol):
    """Prepares an examination of the case at `spec`; nothing runs before `run` is called."""

    def __call__(self, spec: str, *, on_event: OnEvent, on_output: OnOutput) -> RunningExamination:
        """Return the examination, ready to run."""
