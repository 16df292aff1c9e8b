"""A synthetic rule base of any size, described apart from the engines that are to run it.

Ten rules make a unit: a symptom seen in facts, a cause concluded from the symptom and from facts,
and a second cause that follows from the first. Each rule tests one or two things.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

RULES_PER_UNIT = 10
FACTS_PER_UNIT = 5


@dataclass(frozen=True, slots=True)
class Test:
    """`fact` above (or below) `bound`; for "symptom:..." and "cause:...", the certainty reached."""

    name: str
    above: bool
    bound: float

    @property
    def concludes(self) -> bool:
        """Whether it tests what other rules concluded."""
        return ":" in self.name


@dataclass(frozen=True, slots=True)
class SyntheticRule:
    """All `tests` hold: evidence of `certainty` for (or against) `owner`."""

    id: str
    owner: str
    tests: tuple[Test, ...]
    certainty: float


@dataclass(frozen=True, slots=True)
class RuleBase:
    """Rules in order, what they conclude in layers, and facts to run them on."""

    rules: tuple[SyntheticRule, ...]
    layers: tuple[tuple[str, ...], ...]
    facts: dict[str, float]


def rule_base(size: int, seed: int = 1) -> RuleBase:
    """Return a rule base of `size` rules (a multiple of ten) and half as many facts."""
    rng = random.Random(seed)
    units = range(size // RULES_PER_UNIT)
    rules = [rule for unit in units for rule in _unit(unit, rng)]
    names = [f"unit{unit}.fact{i}" for unit in units for i in range(FACTS_PER_UNIT)]
    facts = {name: round(rng.random(), 6) for name in names}
    kinds = ("symptom:s", "cause:c", "cause:d")
    layers = tuple(tuple(f"{kind}{unit}" for unit in units) for kind in kinds)
    return RuleBase(tuple(rules), layers, facts)


def _unit(unit: int, rng: random.Random) -> list[SyntheticRule]:
    symptom, cause, consequence = f"symptom:s{unit}", f"cause:c{unit}", f"cause:d{unit}"

    def fact() -> Test:
        name = f"unit{unit}.fact{rng.randrange(FACTS_PER_UNIT)}"
        return Test(name, rng.random() < 0.5, round(rng.random(), 6))

    def reached(name: str) -> Test:
        return Test(name, True, 0.2)

    premises = [
        (symptom, (fact(),)),
        (symptom, (fact(), fact())),
        (symptom, (fact(),)),
        (cause, (reached(symptom),)),
        (cause, (fact(), fact())),
        (cause, (reached(symptom), fact())),
        (cause, (fact(),)),
        (consequence, (reached(cause), fact())),
        (consequence, (fact(),)),
        (consequence, (reached(symptom), reached(cause))),
    ]
    return [
        SyntheticRule(f"{owner.partition(':')[2]}/r{i}", owner, tests, _certainty(i, rng))
        for i, (owner, tests) in enumerate(premises)
    ]


def _certainty(i: int, rng: random.Random) -> float:
    strength = round(rng.uniform(0.2, 0.8), 3)
    return -strength if i in (2, 6, 8) else strength
