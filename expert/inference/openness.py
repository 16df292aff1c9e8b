"""Which rules can still be decided otherwise than now, how likely that is, and what it takes.

Every rule's condition is looked at in three ways at once: whether it holds now, whether anything
that can still be learnt could change that, and by which inquiries. Symptoms and causes that a
condition mentions are followed down to the facts of their own rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from expert.certainty import combine
from expert.inference.decidable import GIVEN, HOLDS, Decidable, decidable_rules
from expert.inference.premise import (
    AllOf,
    AnyOf,
    ComputedPremise,
    ConclusionPremise,
    FactPremise,
    Premise,
    PresencePremise,
)
from expert.inference.reading import Reading
from expert.inference.trials import EFFECT, TrialPremise
from expert.knowledge.loader import Knowledge
from expert.observation import Observation

SICK: Final = 0.15  # plausibility of a symptom of which nothing is known
CAUSE: Final = 0.02  # of a cause: there are some seventy, and about one is to be found
AGAINST: Final = 0.5  # chance that a rule against a cause fires

#: What an inquiry is wanted for: the inquiries of which any one would do.
Needs = frozenset[frozenset[str]]

_NOTHING: Final[Needs] = frozenset()


@dataclass(frozen=True, slots=True)
class Look:
    """A condition: does it hold now, how likely will it, and which inquiries can decide it.

    Settled when `takes` is empty: then nothing that can be learnt changes `now`.
    """

    now: bool
    chance: float
    takes: Needs = _NOTHING


_TRUE: Final = Look(True, 1.0)
_FALSE: Final = Look(False, 0.0)


@dataclass(frozen=True, slots=True)
class Opening:
    """An open rule: how likely it is to be decided otherwise than now, and what that would change.

    `before` and `after`: the certainty of its owner now, and if this rule alone were decided
    otherwise. `takes`: the inquiries that can decide it; those inside one set are alternatives.
    """

    rule: Decidable
    chance: float
    before: float
    after: float
    takes: Needs


@dataclass(frozen=True, slots=True)
class Prospect:
    """Where a conclusion stands and where it could get to."""

    known: bool  # a rule of it fires now
    now: float
    low: float
    high: float
    rises: float  # chance that a rule for it fires
    falls: float  # chance that a rule against it fires
    takes: Needs


class Situation:
    """What is known, what can still be learnt by which inquiries, and where that leaves the rules.

    Kept up to date: after `learn` only what mentions a changed fact is looked at again.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        readings: dict[str, Reading],
        providers: dict[str, frozenset[str]],
        trials: frozenset[str],
    ) -> None:
        self.readings = readings
        self.providers = providers  # by fact
        self.trials = trials  # that can still be made
        self.prospects: dict[str, Prospect] = {}
        self.opened: dict[str, list[Opening]] = {}  # by cause
        self._rules = decidable_rules(knowledge)
        self._look_at(self._rules.by_owner)

    def learn(
        self,
        seen: Iterable[Observation],
        providers: dict[str, frozenset[str]],
        trials: frozenset[str],
    ) -> None:
        """Take in what was seen and what can now still be learnt."""
        names = self.providers.keys() | providers.keys()
        changed = {name for name in names if self.providers.get(name) != providers.get(name)}
        for one in seen:
            changed.add(one.name)
            self.readings[one.name] = Reading(one)
        if trials != self.trials:
            changed.add(EFFECT)
        self.providers, self.trials = providers, trials
        self._look_at({owner for name in changed for owner in self._rules.by_name.get(name, ())})

    def _look_at(self, owners: Iterable[str]) -> None:
        """Look again at the rules of these conclusions, and of those that follow from them."""
        stale = set(owners)
        for owner, rules in self._rules.by_owner.items():
            if owner not in stale:
                continue
            looks = [_look(rule.premise, self) for rule in rules]
            prospect, opened = _conclude(owner, rules, looks, self)
            if prospect != self.prospects.get(owner):
                self.prospects[owner] = prospect
                stale.update(self._rules.by_name.get(owner, ()))
            kind, _, id_ = owner.partition(":")
            if kind == "cause":
                self.opened[id_] = opened


def _look(premise: Premise, situation: Situation) -> Look:
    match premise:
        case AllOf(parts=parts):
            return _all([_look(part, situation) for part in parts])
        case AnyOf(parts=parts):
            return _any([_look(part, situation) for part in parts])
        case FactPremise(name=name):
            return _on_facts(premise, (name,), situation)
        case ComputedPremise(names=names):
            return _on_facts(premise, names, situation)
        case PresencePremise():
            return _on_presence(premise, situation)
        case ConclusionPremise():
            return _on_conclusion(premise, situation)
        case TrialPremise():
            return _on_trials(premise, situation)
    raise TypeError(f"no such premise: {premise!r}")


def _all(looks: list[Look]) -> Look:
    chance, now, takes = 1.0, True, _NOTHING
    for look in looks:
        if not look.takes and not look.now:
            return _FALSE
        chance *= look.chance
        now = now and look.now
        takes |= look.takes
    return Look(now, chance, takes)


def _any(looks: list[Look]) -> Look:
    missed, now, takes = 1.0, False, _NOTHING
    for look in looks:
        if not look.takes and look.now:
            return _TRUE
        missed *= 1.0 - look.chance
        now = now or look.now
        takes |= look.takes
    return Look(now, 1.0 - missed, takes)


def _on_facts(premise: Premise, names: tuple[str, ...], situation: Situation) -> Look:
    missing = [name for name in names if name not in situation.readings]
    if not missing:
        return _TRUE if premise.evaluate(situation.readings).truth else _FALSE
    takes = _NOTHING
    for name in missing:
        providers = situation.providers.get(name)
        if not providers:
            return _FALSE
        takes |= {providers}
    return Look(False, HOLDS, takes)


def _on_presence(premise: PresencePremise, situation: Situation) -> Look:
    if premise.name in situation.readings:
        return _TRUE if premise.wanted else _FALSE
    providers = situation.providers.get(premise.name)
    if not providers:
        return _FALSE if premise.wanted else _TRUE
    chance = GIVEN if premise.wanted else 1.0 - GIVEN
    return Look(not premise.wanted, chance, frozenset({providers}))


def _on_conclusion(premise: ConclusionPremise, situation: Situation) -> Look:
    prospect = situation.prospects.get(premise.name)
    if prospect is None:
        return _FALSE
    reached = prospect.now >= premise.at_least
    now = prospect.known and reached is not premise.negated
    if not prospect.takes:
        return _TRUE if now else _FALSE
    sure = prospect.low >= premise.at_least or prospect.high < premise.at_least
    if prospect.known and sure:
        return _TRUE if now else _FALSE
    holds = (1.0 - prospect.falls) if reached and prospect.known else prospect.rises
    return Look(now, 1.0 - holds if premise.negated else holds, prospect.takes)


def _on_trials(premise: TrialPremise, situation: Situation) -> Look:
    now = premise.evaluate(situation.readings).truth is True
    seen = situation.readings.get(EFFECT)
    tried = frozenset(seen.observation.where) if seen is not None else frozenset[str]()
    takes = frozenset(
        frozenset({trial}) for trial in (situation.trials & frozenset(premise.trials)) - tried
    )
    return Look(now, HOLDS, takes) if takes else _TRUE if now else _FALSE


# ------------------------------------------------------------------------------------ conclusions
def _conclude(
    owner: str, rules: list[Decidable], looks: list[Look], situation: Situation
) -> tuple[Prospect, list[Opening]]:
    """Return where a conclusion stands and can get to, and its open rules."""
    tally = _Tally(rules, [_strength(r, k, situation) for r, k in zip(rules, looks, strict=True)])
    firing = frozenset(i for i, look in enumerate(looks) if look.now)
    opened = [i for i, look in enumerate(looks) if look.takes]
    now = tally.certainty(firing)
    for_ = frozenset(i for i in opened if rules[i].rule.certainty > 0)
    against = frozenset(opened) - for_
    plausible = _plausibility(owner, now, tally.rules_for)
    changes = {i: _chance(rules[i], looks[i], plausible) for i in opened}
    found = [
        Opening(rules[i], changes[i], now, tally.certainty(firing ^ {i}), looks[i].takes)
        for i in opened
    ]
    takes = _NOTHING.union(*(looks[i].takes for i in opened))
    prospect = Prospect(
        known=bool(firing),
        now=now,
        low=tally.certainty((firing | against) - for_) if opened else now,
        high=tally.certainty((firing | for_) - against) if opened else now,
        rises=_either(changes[i] for i in for_),
        falls=_either(changes[i] for i in against),
        takes=takes,
    )
    return prospect, found


@dataclass(slots=True)
class _Tally:
    """Combines the certainties of chosen rules; of one group only the strongest counts."""

    rules: list[Decidable]
    strengths: list[float]

    @property
    def rules_for(self) -> int:
        return sum(1 for rule in self.rules if rule.rule.certainty > 0)

    def certainty(self, chosen: Iterable[int]) -> float:
        groups: dict[object, float] = {}
        for i in chosen:
            key = self.rules[i].rule.group or i
            groups[key] = max(groups.get(key, 0.0), self.strengths[i], key=abs)
        return combine(groups.values())


def _strength(rule: Decidable, look: Look, situation: Situation) -> float:
    """Return what a rule says if it fires: exactly, when it fires now."""
    if not look.now:
        return rule.rule.certainty
    return rule.rule.certainty * rule.premise.evaluate(situation.readings).certainty


def _plausibility(owner: str, now: float, rules_for: int) -> float:
    """Return how likely any one of the rules for a conclusion is to fire, before its condition."""
    base = CAUSE if owner.startswith("cause:") else SICK
    if now < 0:
        return base * (1.0 + now) ** 2 / rules_for
    return base / max(rules_for, 1) + 0.5 * now


def _chance(rule: Decidable, look: Look, plausible: float) -> float:
    """Return the chance that a rule is decided otherwise than it is now."""
    if look.now:
        return 1.0 - look.chance
    left = math.log(max(look.chance, 1e-9)) / rule.blank  # share of its condition still open
    base = plausible if rule.rule.certainty > 0 else AGAINST
    return float(max(base, 1e-6) ** min(max(left, 0.0), 1.5))


def _either(chances: Iterable[float]) -> float:
    return 1.0 - math.prod(1.0 - chance for chance in chances)
