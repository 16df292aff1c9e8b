"""One synthetic rule base for three engines: torchmedic's, stock experta and CLIPS.

Each engine is a pair of functions: `build` (from the engine's own source form to something that
runs) and `run` (facts in, which rules fired and what was concluded out).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clips  # type: ignore[import-untyped]

from expert.certainty import combine
from expert.inference.experta_bridge import (
    AND,
    Concluded,
    InitialFact,
    KnowledgeEngine,
    Observed,
    P,
    Rule,
)
from expert.inference.program import Program
from expert.knowledge.loader import Knowledge
from expert.knowledge.schema import Cause, Symptom
from expert.observation import Observation
from tests.bench.synthetic import RuleBase, SyntheticRule, Test


@dataclass(frozen=True)
class Result:
    """The rules that fired and the certainty of every conclusion."""

    fired: frozenset[str]
    certainties: dict[str, float]

    def agrees(self, other: Result) -> bool:
        """Whether the same rules fired and the certainties are the same but for rounding."""
        if self.fired != other.fired or self.certainties.keys() != other.certainties.keys():
            return False
        pairs = ((c, other.certainties[name]) for name, c in self.certainties.items())
        return all(math.isclose(one, two, abs_tol=1e-9) for one, two in pairs)


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine takes in, builds and runs a rule base."""

    name: str
    source: Callable[[RuleBase], Any]
    build: Callable[[Any], Any]
    run: Callable[[Any, dict[str, float]], Result]


def _result(fired: Iterable[str], certainties: dict[str, float]) -> Result:
    return Result(frozenset(fired), certainties)


# -------------------------------------------------------------------------------- torchmedic
_TEXT = {"en": "-", "zh": "-"}


def _conclusion_document(owner: str, rules: Iterable[SyntheticRule]) -> dict[str, Any]:
    kind, _, id_ = owner.partition(":")
    evidence = [
        {
            "rule": rule.id.partition("/")[2],
            "when": _when(rule.tests),
            "certainty": rule.certainty,
            "reason": dict(_TEXT),
        }
        for rule in rules
    ]
    return {kind: id_, "title": dict(_TEXT), "explanation": dict(_TEXT), "evidence": evidence}


def _when(tests: tuple[Test, ...]) -> dict[str, Any]:
    conditions = [_condition(test) for test in tests]
    return conditions[0] if len(conditions) == 1 else {"all": conditions}


def _condition(test: Test) -> dict[str, Any]:
    if test.concludes:
        kind, _, id_ = test.name.partition(":")
        return {kind: id_, "at_least": test.bound}
    return {"fact": test.name, ("above" if test.above else "below"): test.bound}


def knowledge(base: RuleBase) -> Knowledge:
    """Return the rule base as knowledge, built in memory."""
    conclusions = _conclusion_documents(base)
    symptoms = [
        Symptom.model_validate(document) for document in conclusions if "symptom" in document
    ]
    causes = [Cause.model_validate(document) for document in conclusions if "cause" in document]
    return Knowledge(
        symptoms={symptom.id: symptom for symptom in symptoms},
        causes={cause.id: cause for cause in causes},
    )


def documents(base: RuleBase) -> list[dict[str, Any]]:
    """Return the rule base as the mappings of complete YAML files, facts declared."""
    facts = [
        {"fact": name, "type": "number", "meaning": dict(_TEXT), "inquiry": "probe:synthetic"}
        for name in base.facts
    ]
    return [*facts, *_conclusion_documents(base)]


def _conclusion_documents(base: RuleBase) -> list[dict[str, Any]]:
    rules: dict[str, list[SyntheticRule]] = {}
    for rule in base.rules:
        rules.setdefault(rule.owner, []).append(rule)
    return [_conclusion_document(owner, own) for owner, own in rules.items()]


def _run_torchmedic(program: Program, facts: dict[str, float]) -> Result:
    run = program.run([Observation(name, value) for name, value in facts.items()])
    return _result((firing.rule.id for firing in run.firings), dict(run.certainties))


# ------------------------------------------------------------------------------ stock experta
def _experta_class(base: RuleBase) -> Any:
    rules: dict[str, Any] = {}
    number = {name: i for i, layer in enumerate(base.layers) for name in layer}
    for rule in base.rules:
        rules[rule.id] = _experta_rule(rule, -2 * number[rule.owner])
    for i, layer in enumerate(base.layers):
        rules[f"close{i}"] = Rule(InitialFact(), salience=-2 * i - 1)(_closing(layer))
    return type("Synthetic", (KnowledgeEngine,), rules)()


def _experta_rule(rule: SyntheticRule, salience: int) -> Any:
    def action(engine: Any, **certainties: float) -> None:
        engine.fired.append(rule.id)
        certainty = rule.certainty * min(certainties.values(), default=1.0)
        engine.evidence.setdefault(rule.owner, []).append(certainty)

    patterns = [_experta_pattern(test, i) for i, test in enumerate(rule.tests)]
    return Rule(AND(*patterns), salience=salience)(action)


def _experta_pattern(test: Test, i: int) -> Any:
    bound = test.bound
    if test.concludes:
        return Concluded(name=test.name, value=f"v{i}" << P(lambda value: value >= bound))
    if test.above:
        return Observed(name=test.name, value=P(lambda value: value > bound))
    return Observed(name=test.name, value=P(lambda value: value < bound))


def _closing(layer: tuple[str, ...]) -> Callable[[Any], None]:
    def close(engine: Any) -> None:
        for name in layer:
            if name in engine.evidence:
                certainty = combine(engine.evidence[name])
                engine.certainties[name] = certainty
                engine.declare(Concluded(name=name, value=certainty))

    return close


def _run_experta(engine: Any, facts: dict[str, float]) -> Result:
    engine.fired, engine.evidence, engine.certainties = [], {}, {}
    engine.reset()
    engine.declare(*(Observed(name=name, value=value) for name, value in facts.items()))
    engine.run()
    return _result(engine.fired, engine.certainties)


# -------------------------------------------------------------------------------------- CLIPS
_CLIPS_BASE = (
    "(deftemplate observed (slot name) (slot value))",
    "(deftemplate concluded (slot name) (slot certainty))",
    "(deftemplate evidence (slot rule) (slot owner) (slot layer) (slot certainty))",
    "(deftemplate fired (slot rule))",
    "(deftemplate pool (slot owner) (slot layer) (slot doubt-for) (slot doubt-against))",
    """(deffunction joint (?p ?q)
         (bind ?for (- 1.0 ?p)) (bind ?against (- 1.0 ?q))
         (/ (- ?for ?against) (- 1.0 (min ?for ?against))))""",
)


def _clips_constructs(base: RuleBase) -> list[str]:
    number = {name: i for i, layer in enumerate(base.layers) for name in layer}
    rules = [_clips_rule(rule, number[rule.owner]) for rule in base.rules]
    return [*_CLIPS_BASE, *_clips_pooling(len(base.layers)), *rules]


def _clips_pooling(layers: int) -> list[str]:
    """Return rules that pool the evidence for each owner and conclude once a layer is done."""
    pooling = []
    for i in range(layers):
        pooling.append(f"""(defrule open{i} (declare (salience {-4 * i - 1}))
            (evidence (owner ?o) (layer {i})) (not (pool (owner ?o)))
            => (assert (pool (owner ?o) (layer {i}) (doubt-for 1.0) (doubt-against 1.0))))""")
        for sign, test in (("for", ">"), ("against", "<")):
            pooling.append(f"""(defrule pool-{sign}{i} (declare (salience {-4 * i - 2}))
                ?e <- (evidence (owner ?o) (layer {i}) (certainty ?c&:({test} ?c 0)))
                ?p <- (pool (owner ?o) (doubt-{sign} ?d))
                => (retract ?e) (modify ?p (doubt-{sign} (* ?d (- 1.0 (abs ?c))))))""")
        pooling.append(f"""(defrule close{i} (declare (salience {-4 * i - 3}))
            (pool (owner ?o) (layer {i}) (doubt-for ?f) (doubt-against ?a))
            => (assert (concluded (name ?o) (certainty (joint ?f ?a)))))""")
    return pooling


def _clips_rule(rule: SyntheticRule, layer: int) -> str:
    patterns = " ".join(_clips_pattern(test, i) for i, test in enumerate(rule.tests))
    premise = " ".join(f"?v{i}" for i, test in enumerate(rule.tests) if test.concludes)
    certainty = f"(* {rule.certainty} (min 1.0 {premise}))" if premise else rule.certainty
    return (
        f"(defrule {rule.id} (declare (salience {-4 * layer})) {patterns} => "
        f"(assert (fired (rule {rule.id}))) (assert (evidence (rule {rule.id}) "
        f"(owner {rule.owner}) (layer {layer}) (certainty {certainty}))))"
    )


def _clips_pattern(test: Test, i: int) -> str:
    if test.concludes:
        return f"(concluded (name {test.name}) (certainty ?v{i}&:(>= ?v{i} {test.bound})))"
    compare = ">" if test.above else "<"
    return f"(observed (name {test.name}) (value ?v{i}&:({compare} ?v{i} {test.bound})))"


def _clips_environment(constructs: list[str]) -> Any:
    environment = clips.Environment()
    for construct in constructs:
        environment.build(construct)
    return environment


def _clips_environment_from_file(constructs: list[str]) -> Any:
    environment = clips.Environment()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.clp"
        path.write_text("\n".join(constructs), encoding="utf-8")
        environment.load(str(path))
    return environment


def _run_clips(environment: Any, facts: dict[str, float]) -> Result:
    environment.reset()
    observed = environment.find_template("observed")
    for name, value in facts.items():
        observed.assert_fact(name=clips.Symbol(name), value=value)
    environment.run()
    fired = [str(fact["rule"]) for fact in environment.find_template("fired").facts()]
    concluded = environment.find_template("concluded").facts()
    return _result(fired, {str(fact["name"]): fact["certainty"] for fact in concluded})


TORCHMEDIC = Engine("torchmedic", knowledge, Program, _run_torchmedic)
EXPERTA = Engine("stock experta", lambda base: base, _experta_class, _run_experta)
CLIPS = Engine("CLIPS build", _clips_constructs, _clips_environment, _run_clips)
CLIPS_FILE = Engine("CLIPS load", _clips_constructs, _clips_environment_from_file, _run_clips)
