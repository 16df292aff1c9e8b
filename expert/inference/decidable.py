"""The rules of a knowledge base as the choice of an inquiry sees them: compiled and indexed."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from expert.inference.premise import (
    AllOf,
    AnyOf,
    ComputedPremise,
    ConclusionPremise,
    FactPremise,
    Premise,
    PresencePremise,
    compile_premise,
)
from expert.inference.trials import EFFECT, TrialPremise, trial_rules
from expert.knowledge.base import Knowledge
from expert.knowledge.references import strata
from expert.knowledge.schema import Rule

HOLDS: Final = 0.3  # chance that a comparison nobody has measured holds; only ratios matter
GIVEN: Final = 0.8  # chance that an inquiry gives a fact that it may give


@dataclass(frozen=True, slots=True)
class Decidable:
    """A rule with its compiled condition."""

    id: str  # "cause-id/rule-id"
    rule: Rule
    premise: Premise
    blank: float  # logarithm of the chance that it holds when nothing is known


@dataclass(frozen=True, slots=True)
class DecidableRules:
    """The rules by conclusion, those first that others rest on, and who mentions what."""

    by_owner: dict[str, list[Decidable]]
    by_name: dict[str, list[str]]  # conclusions whose rules mention a fact or conclusion


_compiled: weakref.WeakKeyDictionary[Knowledge, DecidableRules] = weakref.WeakKeyDictionary()


def decidable_rules(knowledge: Knowledge) -> DecidableRules:
    """Return the rules of `knowledge`, compiling and indexing them the first time."""
    rules = _compiled.get(knowledge)
    if rules is None:
        documents = dict(knowledge.conclusions())
        owners = [owner for layer in strata(knowledge) for owner in layer]
        rules = DecidableRules(
            {owner: list(_rules(owner, documents[owner])) for owner in owners}, {}
        )
        for owner, own in rules.by_owner.items():
            for name in dict.fromkeys(name for rule in own for name in _names(rule.premise)):
                rules.by_name.setdefault(name, []).append(owner)
        _compiled[knowledge] = rules
    return rules


def _names(premise: Premise) -> Iterator[str]:
    """Yield the facts and conclusions that a condition mentions."""
    match premise:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _names(part)
        case FactPremise(name=name) | PresencePremise(name=name) | ConclusionPremise(name=name):
            yield name
        case ComputedPremise(names=names):
            yield from names
        case TrialPremise():
            yield EFFECT


def _rules(owner: str, document: Any) -> Iterator[Decidable]:
    for rule in document.evidence:
        if rule.status != "deprecated":
            yield _decidable(owner, rule, compile_premise(rule.when))
    for rule, trial in trial_rules(document):
        yield _decidable(owner, rule, trial)


def _decidable(owner: str, rule: Rule, premise: Premise) -> Decidable:
    id_ = f"{owner.partition(':')[2]}/{rule.rule}"
    return Decidable(id_, rule, premise, _blank(premise))


def _blank(premise: Premise) -> float:
    return math.log(min(_blank_chance(premise), 0.999))


def _blank_chance(premise: Premise) -> float:
    """Return the chance that a condition holds when nothing at all is known."""
    match premise:
        case AllOf(parts=parts):
            return math.prod(_blank_chance(part) for part in parts)
        case AnyOf(parts=parts):
            return 1.0 - math.prod(1.0 - _blank_chance(part) for part in parts)
        case PresencePremise(wanted=wanted):
            return GIVEN if wanted else 1.0 - GIVEN
    return HOLDS


# ------------------------------------------------------------------------------------- conditions
