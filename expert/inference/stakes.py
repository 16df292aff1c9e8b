"""What is at stake in the open rules: how far a cause would move in the ranking, and what for."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from expert.inference.diagnose import FINDING, SUSPECT
from expert.inference.openness import Opening, Situation
from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import facts_in
from expert.knowledge.schema import Cause
from expert.template import names_in, names_in_code

NEGLIGIBLE: Final = 0.1  # what a certainty of 0.2 is worth, of the 1 of a finding
FIRST: Final = 0.5  # what being the first is worth on top
FOLLOWS: Final = 0.15  # weight of a cause that follows from what was found
UNRELATED: Final = 0.6  # how much a certain finding takes from the weight of unrelated causes
TOLD: Final = 0.02  # what the numbers and places are worth that are told with a finding
SILENCE: Final = 4.0  # weight while nothing is found: a wrong all-clear costs more than a detour


@dataclass(frozen=True, slots=True)
class Stake:
    """What an inquiry could change: a cause, by a rule, from one certainty to another.

    `rule` is None when it would only give the numbers and places that are told with a finding.
    """

    cause: str
    rule: str | None  # "cause-id/rule-id"
    before: float
    after: float
    gain: float


class Standing:
    """How the causes stand now, for weighing what a change would mean to the ranking."""

    def __init__(self, knowledge: Knowledge, situation: Situation) -> None:
        self._about = _about(knowledge)
        self._found = {
            id_: certainty
            for id_ in knowledge.causes
            if (certainty := situation.prospects[f"cause:{id_}"].now) >= FINDING
        }
        self._explained = {c for id_ in self._found for c in self._about.links[id_]}

    def stakes(
        self, cause: str, opened: Iterable[Opening]
    ) -> Iterator[tuple[Stake, frozenset[str]]]:
        """Yield what each open rule of a cause is worth to each of the inquiries that it takes.

        What is worth something only together is shared; of alternatives each is worth all of it.
        """
        others = {id_: found for id_, found in self._found.items() if id_ != cause}
        best = max(others.values(), default=0.0)
        weight = self._weight(cause, others, best)
        for opening in opened:
            moved = abs(_worth(opening.after, best) - _worth(opening.before, best))
            gain = opening.chance * moved * weight / len(opening.takes)
            if gain > 0:
                rule = opening.rule.id
                stake = Stake(cause, rule, opening.before, opening.after, gain)
                yield stake, frozenset().union(*opening.takes)

    def told(self, situation: Situation) -> Iterator[tuple[Stake, frozenset[str]]]:
        """Yield what still lacks in the texts and fixes of the findings."""
        for cause, certainty in self._found.items():
            lacking = [
                situation.providers[name]
                for name in self._about.told[cause]
                if name not in situation.readings and name in situation.providers
            ]
            for takes in dict.fromkeys(lacking):
                yield Stake(cause, None, certainty, certainty, TOLD), takes

    def _weight(self, cause: str, others: Mapping[str, float], best: float) -> float:
        """Return how much a cause still matters beside what else was found."""
        if not self._found:
            return SILENCE
        if cause in self._found or not self._about.links[cause].isdisjoint(others):
            return 1.0
        return FOLLOWS if cause in self._explained else 1.0 - UNRELATED * best


def _worth(certainty: float, best: float) -> float:
    """Return what a certainty means to the reader: 1 for a finding, more if it is the first."""
    if certainty < SUSPECT:
        return NEGLIGIBLE * max(certainty, 0.0) / SUSPECT
    if certainty < FINDING:
        return NEGLIGIBLE + (1 - NEGLIGIBLE) * (certainty - SUSPECT) / (FINDING - SUSPECT)
    return 1.0 + (FIRST if certainty > best else 0.0)


@dataclass(frozen=True, slots=True)
class _About:
    """What does not change from case to case, by cause."""

    links: dict[str, frozenset[str]]  # what it brings about
    told: dict[str, tuple[str, ...]]  # facts that are told with it: where it is, what to change


_abouts: weakref.WeakKeyDictionary[Knowledge, _About] = weakref.WeakKeyDictionary()


def _about(knowledge: Knowledge) -> _About:
    about = _abouts.get(knowledge)
    if about is None:
        causes = knowledge.causes.items()
        about = _abouts[knowledge] = _About(
            {id_: frozenset(link.cause for link in cause.links) for id_, cause in causes},
            {id_: tuple(dict.fromkeys(_facts_told(cause))) for id_, cause in causes},
        )
    return about


def _facts_told(cause: Cause) -> Iterator[str]:
    yield from cause.locate
    yield from names_in(cause.explanation.en)
    for fix in cause.fixes:
        for text in (fix.title, fix.instructions, fix.verify):
            yield from names_in(text.en)
        yield from names_in_code(fix.code or "")
        yield from facts_in(fix.when) if fix.when else ()
