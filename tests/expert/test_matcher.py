"""Our matcher against stock experta's and against the premises themselves, on random rule bases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expert.certainty import combine
from expert.inference.experta_bridge import KnowledgeEngine, Observed, Strategy
from expert.inference.premise import compile_premise
from expert.inference.program import CompiledRule, Program, _Engine
from expert.inference.reading import Conclusion, Reading
from expert.knowledge.loader import Knowledge
from expert.observation import Observation, Value
from tests.expert import random_rules
from tests.expert.making import cause, knowledge, observed, rule, symptom


class BySalience(Strategy):  # type: ignore[misc]
    """Stock DepthStrategy forgets to withdraw one of several activations of equal rank."""

    def _update_agenda(self, agenda: Any, added: Any, removed: Any) -> None:
        for activation in removed:
            if activation in agenda.activations:  # else it has fired
                agenda.activations.remove(activation)  # one: each part of an OR has its own
        agenda.activations = sorted([*agenda.activations, *added], key=lambda a: a.rule.salience)


class StockEngine(_Engine):
    """The same rules, matched by experta's own RETE network."""

    __matcher__ = KnowledgeEngine.__matcher__
    __strategy__ = BySalience

    def fire(self, compiled: CompiledRule) -> None:
        """Note a firing once: stock experta fires an OR once for each part that holds."""
        if compiled not in [firing.rule for firing in self.firings]:
            super().fire(compiled)


Conclusions = tuple[set[str], dict[str, float]]


def run(engine_class: type[_Engine], program: Program, facts: dict[str, Value]) -> Conclusions:
    engine = engine_class(program)
    engine.reset()
    engine.readings = {o.name: Reading(o) for o in observed(facts)}
    for name, reading in engine.readings.items():
        engine.declare(Observed(name=name, reading=reading))
    engine.run()
    return {firing.rule.id for firing in engine.firings}, engine.certainties


def by_premises(known: Knowledge, program: Program, facts: dict[str, Value]) -> Conclusions:
    """Evaluate every premise, layer by layer, without any matcher."""
    readings: dict[str, Any] = {o.name: Reading(o) for o in observed(facts)}
    documents, fired = dict(known.conclusions()), set()
    certainties: dict[str, float] = {}
    for layer in program.layers:
        for name in layer:
            pieces = []
            for one in documents[name].evidence:
                outcome = compile_premise(one.when).evaluate(readings)
                if outcome.truth:
                    fired.add(f"{name.partition(':')[2]}/{one.rule}")
                    pieces.append(one.certainty * outcome.certainty)
            if pieces:
                certainties[name] = combine(pieces)
        readings |= {n: Conclusion(n, certainties[n]) for n in layer if n in certainties}
    return fired, certainties


@st.composite
def rule_bases(draw: st.DrawFn) -> Knowledge:
    """A symptom, a cause that may rest on it, and a cause that may rest on both."""
    reached = st.sampled_from([-0.5, 0.2, 0.6])
    on_symptom = st.fixed_dictionaries({"symptom": st.just("s"), "at_least": reached})
    on_cause = st.fixed_dictionaries({"cause": st.just("c"), "at_least": reached})

    def rules(parts: Any) -> list[dict[str, Any]]:
        whens = draw(st.lists(parts, min_size=1, max_size=3))
        strengths = st.sampled_from([-0.9, -0.4, 0.3, 0.8])
        return [rule(f"r{i}", when, draw(strengths)) for i, when in enumerate(whens)]

    plain = random_rules.conditions
    above_symptom = plain | on_symptom | random_rules.combined(random_rules.leaf | on_symptom)
    above_both = above_symptom | on_cause | random_rules.combined(on_symptom | on_cause)
    return knowledge(
        symptom("s", *rules(plain)),
        cause("c", *rules(above_symptom)),
        cause("d", *rules(above_both)),
    )


@settings(max_examples=120, deadline=None)
@given(rule_bases(), random_rules.facts)
def test_fires_what_stock_experta_fires_and_what_the_premises_say(
    known: Knowledge, facts: dict[str, Value]
) -> None:
    program = Program(known)
    expected = by_premises(known, program, facts)
    assert run(_Engine, program, facts) == expected
    assert run(StockEngine, program, facts) == expected


def waiting(engine: _Engine) -> set[str]:
    return {activation.rule.__name__ for activation in engine.agenda.activations}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(random_rules.conditions, min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(random_rules.FACTS), random_rules.values), max_size=6),
)
def test_declaring_and_retracting_keeps_the_agenda_true(
    conditions: list[dict[str, Any]], changes: list[tuple[str, Value]]
) -> None:
    """A fact that is there is retracted, one that is not is declared; nothing is ever run."""
    program = Program(knowledge(cause("c", *(rule(f"r{i}", c) for i, c in enumerate(conditions)))))
    engines = [_Engine(program), StockEngine(program)]
    declared: list[dict[str, Any]] = [{}, {}]
    readings: dict[str, Any] = {}
    for engine in engines:
        engine.reset()
    for name, value in changes:
        if name in readings:
            del readings[name]
            for engine, own in zip(engines, declared, strict=True):
                engine.retract(own.pop(name))
        else:
            readings[name] = Reading(observed({name: value})[0])
            for engine, own in zip(engines, declared, strict=True):
                own[name] = engine.declare(Observed(name=name, reading=readings[name]))
        true = {
            f"c/r{i}"
            for i, premise in enumerate(map(_premise, conditions))
            if premise.evaluate(readings).truth
        }
        assert waiting(engines[0]) == true | {"close-layer-0"}
        assert waiting(engines[1]) == true | {"close-layer-0"}


def _premise(data: dict[str, Any]) -> Any:
    from tests.expert.making import condition

    return compile_premise(condition(data))


@pytest.fixture
def engine() -> _Engine:
    """An engine with one rule for x above 1 and one for x unknown."""
    rules = rule("high", {"fact": "x", "above": 1}), rule("unheard", {"unknown": "x"})
    engine = _Engine(Program(knowledge(cause("c", *rules))))
    engine.reset()
    return engine


def declare(engine: _Engine, value: Value) -> Any:
    return engine.declare(Observed(name="x", reading=Reading(Observation("x", value))))


def test_a_rule_for_the_unknown_waits_from_the_start(engine: _Engine) -> None:
    assert waiting(engine) == {"c/unheard", "close-layer-0"}


def test_retracting_a_fact_takes_back_what_rests_on_it(engine: _Engine) -> None:
    fact = declare(engine, 2)
    assert waiting(engine) == {"c/high", "close-layer-0"}
    engine.retract(fact)
    assert waiting(engine) == {"c/unheard", "close-layer-0"}


def test_retracting_a_replaced_fact_leaves_the_newer_one(engine: _Engine) -> None:
    older = declare(engine, 0)
    declare(engine, 2)
    engine.retract(older)
    assert waiting(engine) == {"c/high", "close-layer-0"}


def test_a_rule_that_fired_does_not_fire_again(engine: _Engine) -> None:
    declare(engine, 2)
    engine.readings["x"] = Reading(Observation("x", 2))
    engine.run()
    engine.run()
    assert [firing.rule.id for firing in engine.firings] == ["c/high"]


def test_stock_experta_matches_one_and_true_but_we_keep_them_apart() -> None:
    known = knowledge(
        cause("c", rule("one", {"fact": "x", "is": 1}), rule("yes", {"fact": "y", "is": True}))
    )
    fired, _ = run(_Engine, Program(known), {"x": True, "y": 1})
    assert fired == set()
