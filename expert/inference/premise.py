"""A rule's condition, compiled: as patterns for experta and as a tree that explains itself.

Negation is pushed down to the leaves, where a comparison on an unknown fact is neither true nor
false (Kleene's three-valued logic). What remains is AND and OR over patterns, which is what experta
matches; `unknown:` is its NOT.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from expert.inference.comparison import (
    Readings,
    Verdict,
    evaluate_expression,
    masks,
    needs_other_facts,
    quantified,
    scalar_test,
)
from expert.inference.experta_bridge import (
    AND,
    AS,
    NOT,
    OR,
    TEST,
    Concluded,
    InitialFact,
    Observed,
    P,
)
from expert.inference.reading import Conclusion, Reading
from expert.knowledge.conditions import (
    All,
    Any_,
    AnyCondition,
    Known,
    None_,
    OnCause,
    OnFact,
    OnSymptom,
    OnValue,
    Unknown,
    facts_in,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition amounts to on the facts at hand."""

    truth: bool | None
    certainty: float = 1.0
    facts: tuple[str, ...] = ()
    matched: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


UNKNOWN = Outcome(None)


class Premise(ABC):
    """A node of the compiled condition tree."""

    @abstractmethod
    def evaluate(self, readings: Readings) -> Outcome:
        """Return truth, certainty, and the facts (with positions) that decided."""

    @abstractmethod
    def pattern(self) -> Any:
        """Return the experta conditional element that is true exactly when `evaluate` is."""


@dataclass(frozen=True, slots=True)
class FactPremise(Premise):
    """One fact compared with constants."""

    name: str
    test: Callable[[Reading], Verdict]
    negated: bool

    def evaluate(self, readings: Readings) -> Outcome:
        reading = readings.get(self.name)
        return UNKNOWN if reading is None else self._outcome(self.test(reading))

    def _outcome(self, verdict: Verdict) -> Outcome:
        truth, positions = verdict
        if truth is None:
            return UNKNOWN
        matched = {self.name: positions} if positions is not None and not self.negated else {}
        return Outcome(truth is not self.negated, 1.0, (self.name,), matched)

    def pattern(self) -> Any:
        return Observed(name=self.name, reading=P(self._holds))

    def _holds(self, reading: Reading) -> bool:
        return self.test(reading)[0] is (not self.negated)


@dataclass(frozen=True, slots=True)
class ComputedPremise(Premise):
    """A comparison that reads several facts: arithmetic, or one fact against another."""

    names: tuple[str, ...]
    test: Callable[[Readings], Verdict]
    subject: str | None
    negated: bool

    def evaluate(self, readings: Readings) -> Outcome:
        if any(name not in readings for name in self.names):
            return UNKNOWN
        truth, positions = self.test(readings)
        if truth is None:
            return UNKNOWN
        quantified_ = self.subject and positions is not None and not self.negated
        matched = {self.subject: positions} if quantified_ else {}
        return Outcome(truth is not self.negated, 1.0, self.names, matched)  # type: ignore[arg-type]

    def pattern(self) -> Any:
        bound = {_binding(name): name for name in self.names}
        patterns = [getattr(AS, bind) << Observed(name=name) for bind, name in bound.items()]

        def test(**facts: Any) -> bool:
            readings = {bound[bind]: fact["reading"] for bind, fact in facts.items()}
            return self.test(readings)[0] is (not self.negated)

        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter(bind, kind) for bind in bound]
        test.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return AND(*(patterns or [InitialFact()]), TEST(test))


def _binding(name: str) -> str:
    """Return an identifier that no other fact's name becomes."""
    return "fact_" + name.replace("_", "_u").replace(".", "_d").replace("-", "_h")


@dataclass(frozen=True, slots=True)
class PresencePremise(Premise):
    """The fact has (or has not) been observed."""

    name: str
    wanted: bool

    def evaluate(self, readings: Readings) -> Outcome:
        present = self.name in readings
        return Outcome(present is self.wanted, 1.0, (self.name,) if present else ())

    def pattern(self) -> Any:
        observed = Observed(name=self.name)
        return observed if self.wanted else NOT(observed)


@dataclass(frozen=True, slots=True)
class ConclusionPremise(Premise):
    """A symptom or cause has been concluded with some certainty (or is known not to reach it)."""

    name: str
    at_least: float
    negated: bool

    def _holds(self, conclusion: Conclusion) -> bool:
        return (conclusion.certainty >= self.at_least) is not self.negated

    def evaluate(self, readings: Readings) -> Outcome:
        conclusion = readings.get(self.name)
        if not isinstance(conclusion, Conclusion):
            return UNKNOWN
        supports = self.at_least > 0 and not self.negated  # or else it only must not be ruled out
        certainty = conclusion.certainty if supports else 1.0
        return Outcome(self._holds(conclusion), certainty, (self.name,))

    def pattern(self) -> Any:
        return Concluded(name=self.name, reading=P(self._holds))


@dataclass(frozen=True, slots=True)
class AllOf(Premise):
    """Every part holds; as certain as the least certain part (MYCIN)."""

    parts: tuple[Premise, ...]

    def evaluate(self, readings: Readings) -> Outcome:
        outcomes = [part.evaluate(readings) for part in self.parts]
        if any(outcome.truth is False for outcome in outcomes):
            return Outcome(False)
        if any(outcome.truth is None for outcome in outcomes):
            return UNKNOWN
        return _joined(outcomes, min(outcome.certainty for outcome in outcomes))

    def pattern(self) -> Any:
        return AND(*(part.pattern() for part in self.parts))


@dataclass(frozen=True, slots=True)
class AnyOf(Premise):
    """At least one part holds; as certain as the most certain part that does (MYCIN)."""

    parts: tuple[Premise, ...]

    def evaluate(self, readings: Readings) -> Outcome:
        outcomes = [part.evaluate(readings) for part in self.parts]
        true = [outcome for outcome in outcomes if outcome.truth]
        if true:
            return _joined(true, max(outcome.certainty for outcome in true))
        known_false = all(outcome.truth is False for outcome in outcomes)
        return Outcome(False) if known_false else UNKNOWN

    def pattern(self) -> Any:
        return OR(*(part.pattern() for part in self.parts))


def _joined(outcomes: list[Outcome], certainty: float) -> Outcome:
    facts = dict.fromkeys(name for outcome in outcomes for name in outcome.facts)
    matched: dict[str, tuple[int, ...]] = {}
    for outcome in outcomes:
        for name, positions in outcome.matched.items():
            matched[name] = _both(matched[name], positions) if name in matched else positions
    return Outcome(True, certainty, tuple(facts), matched)


def _both(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """Return the positions at which both conditions on a fact held; either's when none does."""
    return tuple(sorted(set(one) & set(other))) or tuple(sorted({*one, *other}))


# ----------------------------------------------------------------------- compilation
def compile_premise(condition: AnyCondition, *, negated: bool = False) -> Premise:
    """Return the premise for a condition, or for its negation."""
    match condition:
        case OnFact():
            return _on_fact(condition, negated)
        case OnValue():
            return _on_value(condition, negated)
        case Known():
            return PresencePremise(condition.known, not negated)
        case Unknown():
            return PresencePremise(condition.unknown, negated)
        case OnSymptom():
            return ConclusionPremise(f"symptom:{condition.symptom}", condition.at_least, negated)
        case OnCause():
            return ConclusionPremise(f"cause:{condition.cause}", condition.at_least, negated)
        case All():
            return _combined(condition.all, negated, AnyOf if negated else AllOf)
        case Any_():
            return _combined(condition.any, negated, AllOf if negated else AnyOf)
        case None_():
            return _combined(condition.none, not negated, AnyOf if negated else AllOf)


def _combined(
    conditions: list[Any], negated: bool, kind: Callable[[tuple[Premise, ...]], Premise]
) -> Premise:
    parts = tuple(compile_premise(part, negated=negated) for part in conditions)
    return parts[0] if len(parts) == 1 else kind(parts)


def _on_fact(condition: OnFact, negated: bool) -> Premise:
    if not needs_other_facts(condition):
        return FactPremise(condition.fact, _reading_test(condition, {}), negated)

    def test(readings: Readings) -> Verdict:
        reading = readings.get(condition.fact)
        return (None, None) if reading is None else _reading_test(condition, readings)(reading)

    names = tuple(dict.fromkeys(facts_in(condition)))
    return ComputedPremise(names, test, condition.fact, negated)


def _reading_test(condition: OnFact, readings: Readings) -> Callable[[Reading], Verdict]:
    one = scalar_test(condition, readings)

    def test(reading: Reading) -> Verdict:
        value = reading.scalar
        if value is not None:
            return one(value), None
        return quantified(masks(condition, reading.array, readings), condition.for_)

    return test


def _on_value(condition: OnValue, negated: bool) -> Premise:
    def test(readings: Readings) -> Verdict:
        value = evaluate_expression(condition.value, readings)
        return (None if value is None else scalar_test(condition, readings)(value)), None

    return ComputedPremise(tuple(dict.fromkeys(facts_in(condition))), test, None, negated)
