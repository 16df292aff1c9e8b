"""SARIF that code hosts accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sarif_pydantic import Sarif

from expert.report.sarif_report import to_sarif
from tests.expert.report.sample import HOSTILE, healthy, sick


def run_of(text: str) -> dict[str, Any]:
    Sarif.model_validate_json(text)
    (run,) = json.loads(text)["runs"]
    assert isinstance(run, dict)
    return run


def test_a_finding_is_an_error_at_its_line_relative_to_the_checkout(tmp_path: Path) -> None:
    run = run_of(to_sarif(sick(), root=tmp_path))
    first = run["results"][0]
    assert first["ruleId"] == "double-softmax"
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "train.py", "uriBaseId": "SRCROOT"}
    assert place["region"]["startLine"] == 12


def test_each_result_names_a_rule_that_is_described() -> None:
    run = run_of(to_sarif(sick()))
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_suspects_are_notes() -> None:
    diagnosis = sick()
    run = run_of(to_sarif(diagnosis))
    levels = [result["level"] for result in run["results"]]
    expected = ["error"] * len(diagnosis.findings) + ["note"] * len(diagnosis.suspects)
    assert levels == expected


def test_health_is_an_empty_list_and_a_failed_probe_is_told() -> None:
    assert run_of(to_sarif(healthy()))["results"] == []
    invocation = run_of(to_sarif(sick()))["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert "updates: it raised" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_hostile_names_and_chinese_stay_valid() -> None:
    assert run_of(to_sarif(sick(layer=HOSTILE), "zh"))["language"] == "zh-CN"
