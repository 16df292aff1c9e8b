"""What is examined next, and why the rest was left out: the chooser's side of an examination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from expert.inference.next_inquiry import Candidate, Chooser
from expert.knowledge.base import Knowledge
from expert.language import Text
from expert.observation import Observation

CHEAP: Final = 4.0  # training steps; what costs less is left out because it has nothing to tell
POINTLESS = Text(
    "nothing they could show would change the diagnosis",
    "无论结果如何都不会改变诊断",
)
TOO_DEAR = Text(
    "they would hardly change the diagnosis for the training steps they cost (--thorough runs all)",
    "几乎不会改变诊断，不值得为此花费训练步（--thorough 会全部运行）",
)


class Agenda:
    """The probes of one examination that have not been run, in an order that is not fixed."""

    def __init__(
        self,
        knowledge: Knowledge,
        probes: Iterable[Mapping[str, Any]],
        seen: Iterable[Observation] = (),
    ) -> None:
        """Take the probes as the "start" event lists them."""
        candidates = [
            Candidate(
                id=probe["id"],
                kind="probe",
                cost=float(probe["usual"]),
                provides=tuple(probe["provides"]),
                after=tuple(probe["after"]),
            )
            for probe in probes
        ]
        self._costs = {candidate.id: candidate.cost for candidate in candidates}
        self._chooser = Chooser(knowledge, candidates, seen)

    def next(self) -> str | None:
        """Return the probe to run next, None when none is worth its cost."""
        choice = self._chooser.choose()
        return None if choice is None else choice.candidate.id

    def learn(self, probe: str, seen: Iterable[Observation]) -> None:
        """Take in what a probe has seen; nothing, if it was skipped or failed."""
        self._costs.pop(probe, None)
        self._chooser.learn(probe, seen)

    def left_out(self) -> dict[str, Text]:
        """Return why each of the others is left out."""
        pointless = {choice.candidate.id for choice in self._chooser.rank() if choice.gain <= 0}
        return {
            id_: POINTLESS if id_ in pointless or cost <= CHEAP else TOO_DEAR
            for id_, cost in self._costs.items()
        }
