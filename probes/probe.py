"""What a probe is: one thing looked at, what it needs, what it gives and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from expert.language import Text
from expert.observation import Observation

if TYPE_CHECKING:
    from probes.case.case import Case
    from probes.running.examination import Examination

Need = Literal["targets", "loss", "optimizer", "gradients"]
CasePart = Literal["step", "scheduler", "metric"]  # that a case may lack


@dataclass(frozen=True, slots=True)
class Probe:
    """One file in this package ends in a constant `PROBE = Probe(...)`; the registry lists them."""

    id: str  # short name; its observations have the origin "probe:<id>"
    title: Text  # what it looks at, for the progress display
    needs: tuple[Need, ...]  # what must be there; else the probe is skipped with a reason
    provides: tuple[str, ...]  # names of the facts it may give
    cost: int  # upper bound, in training steps of this case
    measure: Callable[[Examination], Iterable[Observation]]
    usual: float | None = None  # what it takes as a rule, where that is far below `cost`
    after: tuple[str, ...] = ()  # probes whose facts it uses where they are there
    seconds: float = 0.0  # what it takes as a rule beside training steps, on one core of a CPU
    about: CasePart | None = None  # where the case lacks this, it has nothing to look at

    @property
    def origin(self) -> str:
        """Return the origin written on its observations."""
        return f"probe:{self.id}"

    def is_idle(self, case: Case) -> bool:
        """Return whether the case lacks what the probe is about: it sees nothing then."""
        return self.about is not None and getattr(case, self.about) is None
