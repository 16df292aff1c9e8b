"""The next inquiry: the one whose possible outcomes would change the ranking most per cost.

Value of information, one step ahead (Howard 1966; Heckerman, Horvitz and Nathwani 1992), on the
certainty factors of MYCIN. For every rule that is still open, that is, whose condition some inquiry
can still decide, three things are weighed: how likely it is to be decided otherwise than now, how
far its cause would then move in the ranking, and which inquiries that takes. An inquiry gains its
share of all the rules that it bears on; gain over cost is what is compared (the efficiency order of
troubleshooting, Kalagnanam and Henrion 1988; Heckerman, Breese and Rommelse 1995).

- *How likely.* Nobody has frequencies for faults, so the rules themselves stand in for them: a
  cause is as plausible as its present certainty makes it, and a condition of which the better part
  is already known to hold is nearly a rule that fires. A rule that is refuted costs its cause that
  part of its plausibility; what is ruled out is not looked for.
- *How far.* Below certainty 0.2 a conclusion counts for nothing (EMYCIN asks no question that could
  not lift one above it), from 0.5 on it is a finding. A cause that only follows from what was found
  is not worth much, one that would explain it is; once something was found, another, unrelated
  fault is less likely.
- *Which inquiries.* A condition that takes several is shared among them, so that the cheap part is
  looked at first, and often spares the dear one.

Nothing is chosen when nothing is worth its cost. A pure function of its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from expert.diagnosis import InquiryKind
from expert.inference.openness import Situation
from expert.inference.reading import Reading
from expert.inference.stakes import Stake, Standing
from expert.knowledge.base import Knowledge
from expert.observation import Observation

LEAST: Final = 1e-4  # gain per cost below which nothing is worth it; costs are training steps
FREE: Final = 1.0  # what the cheapest inquiry costs: even a look takes some time


@dataclass(frozen=True, slots=True)
class Candidate:
    """An inquiry that could be made.

    `cost` in training steps of the case, or in any one unit that all candidates share; a question
    costs what the person's time is worth in it. `provides`: names of the facts it may give.
    `after`: ids of inquiries that it builds on; as long as they are candidates, they go first. Ids
    differ between kinds too: a probe and a question of one name need a prefix.
    """

    id: str
    kind: InquiryKind
    cost: float
    provides: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """An inquiry, what it is expected to change, and for which causes.

    `gain`: 1 is a finding gained or lost for certain; `rate`: gain per cost. `wanted_for`: the
    inquiry that builds on this one and is the reason to make it, None when it is made for its own
    sake; gain and rate are then those of the two together.
    """

    candidate: Candidate
    gain: float
    rate: float
    stakes: tuple[Stake, ...]  # most first
    wanted_for: str | None = None

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes that it bears on, those first for which most is at stake."""
        return tuple(dict.fromkeys(stake.cause for stake in self.stakes))


def choose(
    observations: Iterable[Observation],
    knowledge: Knowledge,
    candidates: Iterable[Candidate],
    *,
    least: float = LEAST,
) -> Choice | None:
    """Return the inquiry to make next, None when none is worth its cost.

    `candidates`: those that can still be made. `least`: gain per cost below which none is chosen;
    0 asks for whatever could change anything at all.
    """
    return Chooser(knowledge, candidates, observations).choose(least=least)


def rank(
    observations: Iterable[Observation], knowledge: Knowledge, candidates: Iterable[Candidate]
) -> tuple[Choice, ...]:
    """Return all candidates with what they could change, as `Chooser.rank` does."""
    return Chooser(knowledge, candidates, observations).rank()


class Chooser:
    """Chooses one inquiry after another, each for the price of what the last one has changed."""

    def __init__(
        self,
        knowledge: Knowledge,
        candidates: Iterable[Candidate],
        observations: Iterable[Observation] = (),
    ) -> None:
        listed = list(candidates)
        self._waiting = {candidate.id: candidate for candidate in listed}
        if len(self._waiting) < len(listed):
            raise ValueError("two candidates have the same id")
        self._knowledge = knowledge
        latest = {seen.name: Reading(seen) for seen in observations}
        self._situation = Situation(knowledge, latest, *self._sources())

    def learn(self, inquiry: str, observations: Iterable[Observation]) -> None:
        """Take in what an inquiry has shown; it is no longer a candidate."""
        self._waiting.pop(inquiry, None)
        self._situation.learn(observations, *self._sources())

    def replace(self, kind: InquiryKind, candidates: Iterable[Candidate]) -> None:
        """Take these for the candidates of their kind instead of those before."""
        kept = {id_: old for id_, old in self._waiting.items() if old.kind != kind}
        self._waiting = kept | {candidate.id: candidate for candidate in candidates}
        self._situation.learn((), *self._sources())

    def choose(self, *, least: float = LEAST) -> Choice | None:
        """Return the inquiry to make next, None when none is worth its cost."""
        ranked = self.rank()
        worth = ranked and ranked[0].gain > 0 and ranked[0].rate >= least
        return ranked[0] if worth else None

    def rank(self) -> tuple[Choice, ...]:
        """Return all candidates with what they could change, the best per cost first.

        Of equals the first stays first. Before what builds on it a candidate comes with the gain of
        both, if that is the better reason.
        """
        stakes = self._stakes()
        choices = [self._choice(candidate, stakes) for candidate in self._waiting.values()]
        choices.sort(key=lambda choice: -choice.rate)
        first: dict[str, Choice] = {}
        for choice in choices:
            first.setdefault(choice.candidate.id, choice)
        return tuple(first.values())

    def _sources(self) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
        """Return who can give each fact, and the trials that can be made."""
        waiting = self._waiting.values()
        return _providers(waiting), frozenset(c.id for c in waiting if c.kind == "trial")

    def _stakes(self) -> dict[str, list[Stake]]:
        """Return what every candidate could change."""
        found: dict[str, list[Stake]] = {id_: [] for id_ in self._waiting}
        standing = Standing(self._knowledge, self._situation)
        for cause, opened in self._situation.opened.items():
            for stake, takes in standing.stakes(cause, opened):
                for id_ in takes:
                    found[id_].append(stake)
        for stake, takes in standing.told(self._situation):
            for id_ in takes:
                found[id_].append(stake)
        return found

    def _choice(self, candidate: Candidate, stakes: Mapping[str, list[Stake]]) -> Choice:
        """Return what a candidate could change, as the first step towards it that can be made."""
        chain = _chain(candidate, self._waiting)
        own = sorted(
            (stake for member in chain for stake in stakes[member.id]),
            key=lambda stake: -stake.gain,
        )
        gain = sum(stake.gain for stake in own)
        cost = sum(max(member.cost, FREE) for member in chain)
        wanted_for = candidate.id if len(chain) > 1 else None
        return Choice(chain[0], gain, gain / cost, tuple(own), wanted_for)


def _chain(candidate: Candidate, waiting: Mapping[str, Candidate]) -> list[Candidate]:
    """Return a candidate after those that it builds on and that can still be made."""
    chain: dict[str, Candidate] = {}

    def add(member: Candidate, inside: frozenset[str]) -> None:
        for id_ in member.after:
            if id_ in waiting and id_ not in inside:
                add(waiting[id_], inside | {id_})
        chain.setdefault(member.id, member)

    add(candidate, frozenset({candidate.id}))
    return list(chain.values())


def _providers(candidates: Iterable[Candidate]) -> dict[str, frozenset[str]]:
    """Return who can give a fact; nobody is asked what can be measured."""
    giving: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for name in candidate.provides:
            giving.setdefault(name, []).append(candidate)
    return {
        name: frozenset(c.id for c in those if c.kind != "question")
        or frozenset(c.id for c in those)
        for name, those in giving.items()
    }
