"""HOW was this concluded, WHY NOT that, WHAT IF this were different: answers as data.

The condition of every rule comes back as the tree it was written as, whether the rule fired or not:
each node with its truth (true, false, or unknown) and the values it saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from expert.diagnosis import Diagnosis
from expert.inference.diagnose import diagnose, program_for
from expert.inference.premise import compile_premise
from expert.inference.reading import Conclusion, Reading
from expert.inference.wording import in_words
from expert.knowledge.conditions import AnyCondition, facts_in, leaves, parts
from expert.knowledge.loader import Knowledge
from expert.language import Text
from expert.observation import Observation
from expert.template import fill


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """A condition, whether it holds, and what it saw."""

    text: str
    truth: bool | None
    saw: tuple[Observation, ...]
    parts: tuple[ConditionTrace, ...]

    def unknown_facts(self) -> tuple[str, ...]:
        """Return the facts that nobody has observed, at the leaves that are undecided."""
        if self.parts:
            inner = (name for part in self.parts for name in part.unknown_facts())
            return tuple(dict.fromkeys(inner)) if self.truth is None else ()
        return (self.text,) if self.truth is None else ()


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """A rule of a conclusion: what it would say, whether it fired, and why or why not."""

    id: str
    fired: bool
    certainty: float  # what it contributed; what it would contribute when it did not fire
    reason: Text | None  # only when it fired: its text needs the facts
    condition: ConditionTrace


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a conclusion came about, or did not: every rule that bears on it."""

    id: str
    title: Text
    certainty: float | None  # None: no rule fired, nothing is known
    rules: tuple[RuleTrace, ...]  # those that fired first, strongest first

    @property
    def missing(self) -> tuple[str, ...]:
        """The undecided conditions of the rules that did not fire: what would be worth knowing."""
        names = (name for rule in self.rules for name in rule.condition.unknown_facts())
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Change:
    """A cause whose certainty a different fact would change."""

    cause: str
    title: Text
    before: float | None
    after: float | None


def explain(
    observations: Iterable[Observation], knowledge: Knowledge, conclusion: str
) -> Explanation:
    """Return how the cause or symptom `conclusion` (its id) came about, or why it did not.

    Raises KeyError for an id that the knowledge does not have.
    """
    latest = {o.name: o for o in observations}
    run = program_for(knowledge).run(list(latest.values()))
    kind = "cause" if conclusion in knowledge.causes else "symptom"
    document = dict(knowledge.conclusions())[f"{kind}:{conclusion}"]
    fired = {f.rule.id: f for f in run.firings}
    traces = []
    for rule in document.evidence:
        id_ = f"{conclusion}/{rule.rule}"
        firing = fired.get(id_)
        reason = None
        if firing is not None:
            matched = firing.outcome.matched
            reason = Text(
                en=fill(rule.reason.en, latest, matched), zh=fill(rule.reason.zh, latest, matched)
            )
        certainty = rule.certainty if firing is None else firing.certainty
        trace = trace_of(rule.when, run.readings)
        traces.append(RuleTrace(id_, firing is not None, certainty, reason, trace))
    traces.sort(key=lambda trace: (not trace.fired, -abs(trace.certainty)))
    return Explanation(
        conclusion,
        document.title.text,
        run.certainties.get(f"{kind}:{conclusion}"),
        tuple(traces),
    )


def trace_of(condition: AnyCondition, readings: Mapping[str, Any]) -> ConditionTrace:
    """Return a condition as the tree it was written as, with what each part saw in `readings`."""
    inner = tuple(trace_of(part, readings) for part in parts(condition))
    seen = () if inner else tuple(_seen(condition, readings))
    truth = compile_premise(condition).evaluate(readings).truth
    return ConditionTrace(in_words(condition), truth, seen, inner)


def _seen(condition: AnyCondition, readings: Mapping[str, Any]) -> Iterable[Observation]:
    for leaf in leaves(condition):
        for name in dict.fromkeys(facts_in(leaf)):
            if isinstance(readings.get(name), Reading):
                yield readings[name].observation
        name = in_words(leaf).partition(" ")[0]
        if isinstance(readings.get(name), Conclusion):
            yield Observation(name, readings[name].certainty, origin="inferred")


def what_if(
    observations: Iterable[Observation], knowledge: Knowledge, changes: Iterable[Observation]
) -> tuple[Diagnosis, tuple[Change, ...]]:
    """Return the diagnosis if `changes` were observed, and how the causes' certainties move."""
    seen = list(observations)
    before = program_for(knowledge).run(seen).certainties
    changed = [*seen, *changes]
    after = program_for(knowledge).run(changed).certainties
    moved = []
    for cause in knowledge.causes.values():
        pair = before.get(f"cause:{cause.id}"), after.get(f"cause:{cause.id}")
        if pair[0] != pair[1]:
            moved.append(Change(cause.id, cause.title.text, *pair))
    moved.sort(key=lambda change: -abs((change.after or 0.0) - (change.before or 0.0)))
    return diagnose(changed, knowledge), tuple(moved)
