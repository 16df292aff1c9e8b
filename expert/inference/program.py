"""Knowledge compiled to experta rules, and one run of them over a set of facts.

Conclusions are put in layers (`strata`): the evidence rules of a layer fire, then one closing rule
combines their certainties and declares what was concluded, which wakes the rules of later layers.
Salience keeps that order; within a layer rules fire in the order of the knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expert.certainty import combine
from expert.garbage import collection_paused
from expert.inference.experta_bridge import (
    ActionRule,
    Concluded,
    InitialFact,
    KnowledgeEngine,
    Observed,
    TotalOrder,
)
from expert.inference.matcher import IndexedMatcher, RuleIndex
from expert.inference.premise import Outcome, Premise, compile_premise
from expert.inference.reading import Conclusion, Reading
from expert.inference.trials import trial_rules
from expert.knowledge.loader import Knowledge
from expert.knowledge.references import strata
from expert.knowledge.schema import Rule as KnowledgeRule
from expert.observation import Observation


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """An evidence rule with its compiled condition."""

    owner: str  # "cause:ID" or "symptom:ID"
    rule: KnowledgeRule
    premise: Premise

    @property
    def id(self) -> str:
        """The rule's full id, "OWNER/RULE"."""
        return f"{self.owner.partition(':')[2]}/{self.rule.rule}"


@dataclass(frozen=True, slots=True)
class Firing:
    """One rule that fired, in order: the trace of a run is a list of these."""

    rule: CompiledRule
    outcome: Outcome

    @property
    def certainty(self) -> float:
        """The rule's certainty times that of its condition (MYCIN)."""
        return self.rule.rule.certainty * self.outcome.certainty


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the rules concluded, and how."""

    readings: Mapping[str, Any]
    firings: tuple[Firing, ...]
    certainties: Mapping[str, float]  # of every conclusion for which any rule fired


class Program:
    """Compiled knowledge; immutable, so that any number of runs may share it."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.layers: list[list[str]] = strata(knowledge)
        with collection_paused():
            self.rules = list(_rules(knowledge, self.layers))
            self.index = RuleIndex(self.rules)
            #: When a fix or link applies, by the identity of the condition in the knowledge.
            self.premises = dict(_applicability(knowledge))

    def run(self, observations: Sequence[Observation]) -> Run:
        """Fire the rules over `observations` (the last of those with one name counts)."""
        engine = _Engine(self)
        engine.reset()
        engine.readings = {o.name: Reading(o) for o in observations}
        facts = [Observed(name=n, reading=reading) for n, reading in engine.readings.items()]
        if facts:
            engine.declare(*facts)
        engine.run()
        return Run(engine.readings, tuple(engine.firings), engine.certainties)


class _Engine(KnowledgeEngine):  # type: ignore[misc]
    """An experta engine that runs a `Program` once."""

    __matcher__ = IndexedMatcher
    __strategy__ = TotalOrder

    def __init__(self, program: Program) -> None:
        self.rules = program.rules
        self.index = program.index
        self.readings: dict[str, Any] = {}
        self.firings: list[Firing] = []
        self.fired: dict[str, list[Firing]] = {}
        self.certainties: dict[str, float] = {}
        super().__init__()

    def get_rules(self) -> list[Any]:
        """Return the program's rules (experta would look for them among the class attributes)."""
        return self.rules

    def get_deffacts(self) -> list[Any]:
        """Return what declares the facts that are there from the start."""
        return [_initial_facts]

    def fire(self, compiled: CompiledRule) -> None:
        """Note that a rule fired and why."""
        firing = Firing(compiled, compiled.premise.evaluate(self.readings))
        self.firings.append(firing)
        self.fired.setdefault(compiled.owner, []).append(firing)

    def close(self, layer: Sequence[str]) -> None:
        """Combine the evidence for the conclusions of a layer and declare them."""
        for name in layer:
            firings = self.fired.get(name)
            if firings:
                certainty = combine([firing.certainty for firing in that_count(firings)])
                self.certainties[name] = certainty
                self.readings[name] = Conclusion(name, certainty)
                self.declare(Concluded(name=name, reading=self.readings[name]))


def _initial_facts() -> Iterator[Any]:
    yield InitialFact()


def that_count(firings: Sequence[Firing]) -> list[Firing]:
    """Return the firings of one conclusion that count: of a group's rules, only the strongest.

    Combination assumes independent evidence; rules of a group look at the same thing.
    """
    strongest: dict[str, Firing] = {}
    for firing in firings:
        group = firing.rule.rule.group or f"alone:{firing.rule.id}"
        if group not in strongest or abs(firing.certainty) > abs(strongest[group].certainty):
            strongest[group] = firing
    return list(strongest.values())


def _rules(knowledge: Knowledge, layers: Sequence[Sequence[str]]) -> Iterator[Any]:
    """Yield the experta rules of all layers, each layer's closing rule last."""
    documents = dict(knowledge.conclusions())
    for number, layer in enumerate(layers):
        for owner in layer:
            for rule in documents[owner].evidence:
                if rule.status != "deprecated":
                    compiled = CompiledRule(owner, rule, compile_premise(rule.when))
                    yield _evidence_rule(compiled, salience=-2 * number)
            for rule, premise in trial_rules(documents[owner]):
                yield _evidence_rule(CompiledRule(owner, rule, premise), salience=-2 * number)
        yield _closing_rule(layer, number)


def _applicability(knowledge: Knowledge) -> Iterator[tuple[int, Premise]]:
    for cause in knowledge.causes.values():
        for when in (*(link.when for link in cause.links), *(fix.when for fix in cause.fixes)):
            if when is not None:
                yield id(when), compile_premise(when)


def _evidence_rule(compiled: CompiledRule, salience: int) -> Any:
    def fire(engine: _Engine) -> None:
        engine.fire(compiled)

    return _rule(compiled.id, fire, salience, compiled.premise.pattern())


def _closing_rule(layer: Sequence[str], number: int) -> Any:
    def close(engine: _Engine) -> None:
        engine.close(layer)

    return _rule(f"close-layer-{number}", close, -2 * number - 1, InitialFact())


def _rule(name: str, action: Callable[[_Engine], None], salience: int, pattern: Any) -> Any:
    action.__name__ = name
    return ActionRule(pattern, salience=salience)(action)
