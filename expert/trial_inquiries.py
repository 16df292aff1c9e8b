"""Trials as inquiries: what they cost, what they give, and what they need to know beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from expert.inference.next_inquiry import Candidate
from expert.knowledge.base import Knowledge
from expert.observation import Observation

STEPS: Final = 200.0  # training steps that a trial costs, and so does each run it is compared with
FACTS: Final = tuple(
    f"trial.{name}"
    for name in ("effect", "improved", "cured", "measure", "before", "after", "baseline", "steps")
)
#: Facts of an earlier examination that trials need.
USES: Final[Mapping[str, tuple[str, ...]]] = {
    "suggested-rate": ("sweep.suggested_rate",),
    "without-clipping-lower-rate": ("loop.lower_rate",),
}


def trial_candidates(knowledge: Knowledge, trials: Sequence[str]) -> Iterator[Candidate]:
    """Yield these trials as inquiries, for the choice of the next one.

    They share the two runs without treatment that they are compared with.
    """
    for id_ in trials:
        cost = STEPS + 2 * STEPS / len(trials)
        after = _probes_for(knowledge, USES.get(id_, ()))
        yield Candidate(id_, "trial", cost, FACTS, after)


def useful(facts: Iterable[Observation]) -> list[Observation]:
    """Return the facts that treatments may use: a command line has limits."""
    names = {name for uses in USES.values() for name in uses}
    return [fact for fact in facts if fact.name in names]


def _probes_for(knowledge: Knowledge, facts: Iterable[str]) -> tuple[str, ...]:
    """Return the probes that give these facts."""
    known = (knowledge.facts[name].inquiry for name in facts if name in knowledge.facts)
    return tuple(dict.fromkeys(id_.partition(":")[2] for id_ in known))
