"""The JSON Schema of knowledge files, by which editors complete and check them.

Made from the models: which keys there are, what values they take (the ids of the knowledge at
hand), and what each is for (the docstrings below the fields).
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from expert.knowledge import conditions, schema
from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import COMPARISONS
from expert.knowledge.schema import EXTENDABLE, KINDS

SCHEMA_ID = "urn:torchmedic:knowledge:1"
_REF = "#/$defs/"
Schema = dict[str, Any]


def json_schema(knowledge: Knowledge) -> Schema:
    """Return the schema of one YAML document, with the ids of `knowledge` to choose from.

    Facts and symptoms that are mentioned must be among them. Causes and sources need not: whoever
    writes rules adds some.
    """
    models: list[tuple[type[BaseModel], Any]] = [(m, "validation") for m in KINDS.values()]
    _, generated = models_json_schema(models, ref_template=_REF + "{model}")
    definitions: Schema = generated["$defs"]
    for name, definition in definitions.items():
        _strip(definition)
        _describe(name, definition)
    for edit in _RULES_OF_VALIDATORS:
        edit(definitions)
    _name_ids(definitions, knowledge)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "torchmedic knowledge",
        "description": "One document of a pack. Its first key says of which kind it is.",
        "type": "object",
        "oneOf": [{"$ref": _REF + model.__name__} for model in KINDS.values()],
        "$defs": definitions,
    }


# ---------------------------------------------------------------------- what pydantic leaves
def _strip(node: Any) -> None:
    """Remove titles made from names, and null, which no key may be."""
    if isinstance(node, list):
        for item in node:
            _strip(item)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    if node.get("default", ...) in (None, []):
        del node["default"]
    if "anyOf" in node:
        node["anyOf"] = [option for option in node["anyOf"] if option != {"type": "null"}]
        if len(node["anyOf"]) == 1:
            node.update(node.pop("anyOf")[0])
    for key, value in node.items():
        for item in value.values() if key in ("properties", "$defs") else [value]:
            _strip(item)


def _describe(name: str, definition: Schema) -> None:
    for field, text in _field_docstrings().get(name, {}).items():
        property_ = definition["properties"].get(field)
        if property_ is not None:
            property_["description"] = text


def _field_docstrings() -> Mapping[str, dict[str, str]]:
    """Return the strings that stand below the fields of the models, by class and key."""
    return {
        node.name: dict(_docstrings(node))
        for module in (schema, conditions)
        for node in _tree(module).body
        if isinstance(node, ast.ClassDef)
    }


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _docstrings(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(text))):
                yield name, inspect.cleandoc(text)


# -------------------------------------------------- what only the models' validators check
def _one_operation(definitions: Schema) -> None:
    definitions["Arithmetic"].update(minProperties=1, maxProperties=1)


def _compares(definitions: Schema) -> None:
    spelled = [name.rstrip("_") for name in COMPARISONS]
    for name in ("OnFact", "OnValue"):
        definitions[name]["anyOf"] = [{"required": [key]} for key in spelled]


def _tests_something(definitions: Schema) -> None:
    keys = ("expect", "first", "silent")
    definitions["RuleTest"]["anyOf"] = [{"required": [key]} for key in keys]


def _adds_something(definitions: Schema) -> None:
    definitions["Extension"]["anyOf"] = [{"required": [key]} for key in EXTENDABLE]


_RULES_OF_VALIDATORS: tuple[Callable[[Schema], None], ...] = (
    _one_operation,
    _compares,
    _tests_something,
    _adds_something,
)

# ---------------------------------------------------------------------------------- ids
_FACTS = ("FactValue.fact", "OnFact.fact", "Known.known", "Unknown.unknown")
_FACT_LISTS = ("Cause.locate", "Extension.locate")
_FACT_KEYS = ("RuleTest.given", "Answer.sets")
_CAUSES = ("Link.cause", "OnCause.cause", "RuleTest.first", "Extension.extends")
_CAUSE_LISTS = ("Pack.disable", "RuleTest.expect", "RuleTest.silent")
_PRODUCES = ("Cause.produces", "Extension.produces")
_SOURCE_LISTS = tuple(
    f"{name}.sources" for name in ("Question", "Rule", "Fix", "Symptom", "Cause", "Extension")
)


def _name_ids(definitions: Schema, knowledge: Knowledge) -> None:
    """Give every property that mentions an id the ids to choose from."""
    facts = {name: fact.meaning.en for name, fact in knowledge.facts.items()}
    symptoms = {id_: symptom.title.en for id_, symptom in knowledge.symptoms.items()}
    causes = {id_: cause.title.en for id_, cause in knowledge.causes.items()}
    sources = {id_: source.title for id_, source in knowledge.sources.items()}
    pattern = definitions["Cause"]["properties"]["cause"]["pattern"]
    of_source = definitions["Source"]["properties"]["source"]["pattern"]
    ids = {
        "FactId": _choice(facts),
        "SymptomId": _choice(symptoms),
        "CauseId": _or_another(_choice(causes), pattern),
        "ConclusionId": _or_another(_choice(causes | symptoms), pattern),
        "SourceId": _or_another(_choice(sources), of_source),
    }
    _refer(definitions, _FACTS, "FactId")
    _refer(definitions, ("OnSymptom.symptom",), "SymptomId")
    _refer(definitions, _CAUSES[:2], "CauseId")
    _refer(definitions, _CAUSES[2:], "ConclusionId")
    for path in _FACT_KEYS:
        _property(definitions, path)["propertyNames"] = {"$ref": _REF + "FactId"}
        _property(definitions, path).pop("patternProperties", None)
    for paths, id_ in (
        (_FACT_LISTS, "FactId"),
        (_CAUSE_LISTS, "ConclusionId"),
        (_SOURCE_LISTS, "SourceId"),
    ):
        for path in paths:
            _property(definitions, path)["items"] = {"$ref": _REF + id_}
    for path in _PRODUCES:
        options = [{"$ref": _REF + "CauseId"}, {"$ref": _REF + "Link"}]
        _property(definitions, path)["items"] = {"anyOf": options}
    definitions.update(ids)


def _property(definitions: Schema, path: str) -> Schema:
    model, _, field = path.partition(".")
    found: Schema = definitions[model]["properties"][field]
    return found


def _refer(definitions: Schema, paths: tuple[str, ...], id_: str) -> None:
    for path in paths:
        kept = _property(definitions, path).get("description")
        _property(definitions, path).clear()
        _property(definitions, path)["$ref"] = _REF + id_
        if kept:
            _property(definitions, path)["description"] = kept


def _choice(meanings: Mapping[str, str]) -> Schema:
    return {"enum": list(meanings), "enumDescriptions": list(meanings.values())}


def _or_another(choice: Schema, pattern: str) -> Schema:
    return {"anyOf": [choice, {"type": "string", "pattern": pattern}]}
