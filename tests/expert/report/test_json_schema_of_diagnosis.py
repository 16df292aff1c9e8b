"""The published schema of a diagnosis: it fits what we write now, and what was written before."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from expert import Diagnosis
from expert.report.json_report import diagnosis_json_schema, to_json
from tests.expert.report.sample import HOSTILE, healthy, sick

PUBLISHED = Path(__file__).parents[3] / "docs" / "diagnosis.schema.json"
OLD = sorted((Path(__file__).parents[2] / "data" / "diagnoses").glob("*.json"))


def test_the_published_schema_is_the_one_in_use() -> None:
    written = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert written == diagnosis_json_schema(), (
        "run: torchmedic rules schema --diagnosis --output docs/diagnosis.schema.json"
    )


@pytest.mark.parametrize("diagnosis", [sick(), healthy(), sick(layer=HOSTILE)])
def test_what_is_written_fits_the_schema(diagnosis: Diagnosis) -> None:
    for language in ("en", "zh"):
        data = json.loads(to_json(diagnosis, language))
        jsonschema.Draft202012Validator(diagnosis_json_schema()).validate(data)


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_a_program_that_reads_older_diagnoses_can_read_new_ones(path: Path) -> None:
    """Whatever keys an older diagnosis had, the schema still requires or allows them."""
    validator = jsonschema.Draft202012Validator(diagnosis_json_schema())
    older = json.loads(path.read_text(encoding="utf-8"))
    missing = {
        "finding": set(older["findings"][0])
        - set(diagnosis_json_schema()["$defs"]["FindingReport"]["required"]),
        "top": set(older) - set(diagnosis_json_schema()["properties"]),
    }
    assert missing == {"finding": set(), "top": set()}
    errors = [error.message for error in validator.iter_errors(older)]
    assert [message for message in errors if "required property" not in message] == []


def test_there_are_older_diagnoses_to_try() -> None:
    assert OLD
