"""What the screens need of the processes that run the user's code, and of the knowledge.

The screens know only these protocols, so that tests can hand in what is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from expert.errors import UserCodeError
from expert.observation import Observation

if TYPE_CHECKING:
    from expert.diagnosis import Inquiry
    from expert.knowledge.base import Knowledge
    from expert.knowledge.reader import KnowledgeError
    from expert.tried import Tried

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

    def skip(self) -> None:
        """Give up the probe at work, if there is one; the others go on."""

    def cancel(self) -> None:
        """End the child process, if it runs; may be called at any time and more than once."""


class Examine(Protocol):
    """Prepares an examination of the case at `spec`; nothing runs before `run` is called."""

    def __call__(
        self,
        spec: str,
        *,
        on_event: OnEvent,
        on_output: OnOutput,
        only: Sequence[str] = (),
        treated: Sequence[str] = (),
        given: Sequence[Observation] = (),
        knowledge: Knowledge | None = None,
    ) -> RunningExamination:
        """Return the examination, ready to run: of these probes only, with trials applied.

        With `knowledge` each next probe is chosen by what it could change.
        """


class RunningTrials(Protocol):
    """Trials that `run` carries out (blocking) and `cancel` ends from another thread."""

    def run(self) -> Tried:
        """Carry out the trials; raises `UsageError` or `UserCodeError`."""

    def cancel(self) -> None:
        """End the child process, if it runs; may be called at any time and more than once."""


class TryFixes(Protocol):
    """Prepares trials on the case at `spec`; nothing runs before `run` is called."""

    def __call__(
        self,
        spec: str,
        trials: Sequence[str],
        *,
        given: Sequence[Observation],
        treated: Sequence[str],
        on_event: OnEvent,
        on_output: OnOutput,
    ) -> RunningTrials:
        """Return the trials, ready to run."""


class KnowledgeSource(Protocol):
    """Knowledge that follows its files."""

    @property
    def knowledge(self) -> Knowledge:
        """The last knowledge that could be used."""

    @property
    def error(self) -> KnowledgeError | None:
        """What is wrong with the files as they are now."""

    def refresh(self) -> bool:
        """Read again if something changed, and return whether it did."""


@dataclass(frozen=True, slots=True)
class FixedKnowledge:
    """Knowledge that stays as it is."""

    knowledge: Knowledge
    error: KnowledgeError | None = None

    def refresh(self) -> bool:
        """Nothing changes."""
        return False
