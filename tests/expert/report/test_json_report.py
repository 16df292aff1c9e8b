"""The JSON is the contract that other tools rely on (DESIGN section 9)."""

from __future__ import annotations

import json
import math

import pytest

from expert import Inquiry, Observation, Text, diagnose, load_knowledge
from expert.report.json_report import DiagnosisReport, to_json

SICK = [
    Observation("loss.has_graph", False, origin="probe:loss_at_start"),
    Observation("loss.function", "cross_entropy", origin="probe:loss_input"),
    Observation("loss.input_is_probability", True, origin="probe:loss_input"),
    Observation("run.loss_end", math.nan, origin="probe:own_rate"),
    Observation("activation.dead_share", (0.0, 1.0), ("fc1", "fc2"), "probe:activations"),
]


@pytest.fixture(scope="module")
def report() -> dict:
    inquiry = Inquiry("gradients", "probe", "skipped", reason=Text(en="no loss", zh="没有损失"))
    return json.loads(to_json(diagnose(SICK, load_knowledge(), inquiries=[inquiry]), "en"))


def test_the_keys_are_those_of_the_published_schema(report: dict) -> None:
    assert report["schema"] == "torchmedic.diagnosis/1"
    assert {"findings", "suspects", "symptoms", "ruled_out", "inquiries", "facts"} <= set(report)
    finding = report["findings"][0]
    assert set(finding) == {
        "cause", "certainty", "title", "why", "evidence", "because_of", "leads_to", "locations",
        "fixes",
    }  # fmt: skip
    assert set(finding["evidence"][0]) == {"rule", "certainty", "reason", "facts", "counts"}
    assert {"name", "value", "where", "origin"} <= set(finding["evidence"][0]["facts"][0])
    assert {"id", "title", "instructions", "code", "trial", "sources"} <= set(finding["fixes"][0])


def test_findings_come_best_first_and_at_least_half_certain(report: dict) -> None:
    certainties = [finding["certainty"] for finding in report["findings"]]
    assert len(certainties) >= 2
    assert min(certainties) >= 0.5
    assert all(suspect["certainty"] < 0.5 for suspect in report["suspects"])


def test_values_that_json_cannot_hold_become_words(report: dict) -> None:
    assert report["facts"]["run.loss_end"] == {
        "value": "nan",
        "origin": "probe:own_rate",
        "where": [],
    }


def test_per_layer_facts_keep_their_layers(report: dict) -> None:
    assert report["facts"]["activation.dead_share"]["where"] == ["fc1", "fc2"]


def test_an_inquiry_that_was_skipped_says_why(report: dict) -> None:
    assert report["inquiries"] == [
        {
            "id": "gradients",
            "kind": "probe",
            "status": "skipped",
            "seconds": 0.0,
            "steps": 0,
            "reason": "no loss",
        }
    ]


def test_the_json_reads_back_into_its_own_model() -> None:
    written = to_json(diagnose(SICK, load_knowledge()), "zh")
    assert DiagnosisReport.model_validate_json(written).findings


def test_texts_are_in_the_language_asked_for() -> None:
    diagnosis = diagnose(SICK, load_knowledge())
    english = json.loads(to_json(diagnosis, "en"))["findings"][0]["title"]
    chinese = json.loads(to_json(diagnosis, "zh"))["findings"][0]["title"]
    assert english.isascii()
    assert not chinese.isascii()
