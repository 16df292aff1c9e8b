"""The JSON Schema accepts what the loader accepts, and marks typical mistakes in the editor."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from expert.knowledge.json_schema import json_schema
from expert.knowledge.loader import built_in_knowledge
from expert.knowledge.packs import BUILT_IN
from expert.knowledge.reader import parse_documents, read_documents
from tests.expert.making import loaded
from tests.expert.test_loader import BASE

SCHEMA = json_schema(built_in_knowledge())
OF_BASE = json_schema(loaded(BASE))


def checker(schema: dict[str, Any]) -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator(schema)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize(
    "path", sorted(BUILT_IN.rglob("*.yaml")), ids=lambda path: str(path.relative_to(BUILT_IN))
)
def test_every_built_in_document_fits(path: Any) -> None:
    check = checker(SCHEMA)
    for document in read_documents(path):
        assert [error.message for error in check.iter_errors(document.data)] == []


def base_document(kind: str) -> dict[str, Any]:
    documents = [document.data for document in parse_documents(BASE, "x")]
    found: dict[str, Any] = deepcopy(next(data for data in documents if kind in data))
    return found


def accepted(document: dict[str, Any]) -> bool:
    return bool(checker(OF_BASE).is_valid(document))


def test_the_documents_of_the_base_are_accepted() -> None:
    assert all(accepted(document.data) for document in parse_documents(BASE, "x"))
    extension = {"extends": "too-high", "evidence": base_document("cause")["evidence"]}
    assert accepted(extension)
    assert not accepted({"extends": "too-high"})


RULE = ("evidence", 0)


@pytest.mark.parametrize(
    ("kind", "at", "value"),
    [
        ("cause", ("titel",), "x"),
        ("cause", ("title",), "only one language"),
        ("cause", ("title",), {"en": "t"}),
        ("cause", ("evidence",), []),
        ("cause", (*RULE, "certanty"), 0.5),
        ("cause", (*RULE, "certainty"), 1.5),
        ("cause", (*RULE, "certainty"), "0.5"),
        ("cause", (*RULE, "certainty"), None),
        ("cause", (*RULE, "when"), {"fact": "loss.initial"}),
        ("cause", (*RULE, "when"), {"fact": "loss.inital", "above": 1}),
        ("cause", (*RULE, "when"), {"fact": "loss.initial", "abov": 1}),
        ("cause", (*RULE, "when"), {"symptom": "loss-hig"}),
        ("cause", (*RULE, "when"), {"all": []}),
        ("cause", (*RULE, "when"), {"fact": "loss.initial", "for": "some", "above": 1}),
        ("cause", (*RULE, "when"), {"value": {"over": [1, 2], "log": 3}, "above": 1}),
        ("cause", (*RULE, "status"), "unsure"),
        ("cause", ("fixes", 0, "code"), None),
        ("cause", ("tests", 0), {"name": "n", "given": {"loss.initial": 1}}),
        ("cause", ("tests", 0, "given"), {"loss.inital": 1}),
        ("cause", ("cause",), "Too High"),
        ("fact", ("type",), "numbr"),
        ("fact", ("inquiry",), "loss"),
        ("question", ("choices",), [{"answer": "yes", "text": {"en": "Yes", "zh": "是"}}]),
        ("question", ("choices", 0, "sets"), {"loss.final": 1}),
        ("pack", ("schema_version",), 2),
        ("source", ("source",), "A Book"),
    ],
)
def test_typical_mistakes_are_marked(kind: str, at: tuple[Any, ...], value: Any) -> None:
    document = base_document(kind)
    assert accepted(document)
    part: Any = document
    for step in at[:-1]:
        part = part[step]
    part[at[-1]] = value
    assert not accepted(document)


def test_a_document_of_no_kind_is_marked() -> None:
    assert not accepted({"couse": "x"})
    assert not accepted({**base_document("cause"), "symptom": "x"})


def test_ids_and_their_meanings_are_offered() -> None:
    offered = SCHEMA["$defs"]["FactId"]
    known = built_in_knowledge()
    assert offered["enum"] == list(known.facts)
    at = offered["enum"].index("loss.initial")
    assert offered["enumDescriptions"][at] == known.facts["loss.initial"].meaning.en
    causes = SCHEMA["$defs"]["CauseId"]["anyOf"][0]["enum"]
    assert causes == list(known.causes)


def test_a_new_cause_and_source_may_be_named() -> None:
    document = base_document("cause")
    document["cause"], document["sources"] = "brand-new", ["team-notes/7"]
    document["tests"][0]["expect"] = ["brand-new"]
    assert accepted(document)


def test_keys_are_described_by_their_docstrings() -> None:
    rule = SCHEMA["$defs"]["Rule"]
    assert rule["description"].startswith("One piece of evidence")
    assert "only the strongest" in rule["properties"]["group"]["description"]
    undescribed = [
        name
        for name, part in SCHEMA["$defs"].items()
        if "properties" in part and not part.get("description")
    ]
    assert undescribed == []
