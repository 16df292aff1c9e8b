"""Small pieces of knowledge and facts for tests of the engine."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from pydantic import TypeAdapter

from expert.knowledge.conditions import AnyCondition, Condition
from expert.knowledge.loader import Knowledge, assemble
from expert.knowledge.reader import parse_documents
from expert.knowledge.schema import Cause, Symptom
from expert.observation import Observation, Value

_CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


def text(words: str) -> dict[str, str]:
    return {"en": words, "zh": words}


def condition(data: dict[str, Any]) -> AnyCondition:
    parsed: AnyCondition = _CONDITION.validate_python(data)
    return parsed


def rule(id_: str, when: dict[str, Any], certainty: float = 0.8, **more: Any) -> dict[str, Any]:
    return {"rule": id_, "when": when, "certainty": certainty, "reason": text("why"), **more}


def symptom(id_: str, *rules: dict[str, Any], **more: Any) -> Symptom:
    return Symptom.model_validate(_conclusion("symptom", id_, rules, more))


def cause(id_: str, *rules: dict[str, Any], **more: Any) -> Cause:
    return Cause.model_validate(_conclusion("cause", id_, rules, more))


def _conclusion(kind: str, id_: str, rules: Any, more: dict[str, Any]) -> dict[str, Any]:
    head = {kind: id_, "title": text(id_), "explanation": text(f"about {id_}")}
    return {**head, "evidence": list(rules), **more}


def fix(id_: str, **more: Any) -> dict[str, Any]:
    texts = {"title": text(id_), "instructions": text("do it"), "verify": text("look")}
    return {"fix": id_, **texts, **more}


def knowledge(*conclusions: Symptom | Cause) -> Knowledge:
    return Knowledge(
        symptoms={c.id: c for c in conclusions if isinstance(c, Symptom)},
        causes={c.id: c for c in conclusions if isinstance(c, Cause)},
    )


def loaded(*packs: str) -> Knowledge:
    """Return the knowledge in some YAML texts, each a pack of one file, "0.yaml", "1.yaml", ..."""
    return assemble(
        [parse_documents(dedent(pack), f"{number}.yaml") for number, pack in enumerate(packs)]
    )


def observed(facts: dict[str, Value]) -> list[Observation]:
    """Return observations; a tuple gets the places "0", "1", ..."""
    return [
        Observation(name, value, _places(value) if isinstance(value, tuple) else ())
        for name, value in facts.items()
    ]


def _places(value: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(i) for i in range(len(value)))
