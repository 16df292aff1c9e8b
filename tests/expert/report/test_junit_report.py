"""JUnit XML that CI systems read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from expert import Diagnosis
from expert.report.junit_report import to_junit
from tests.expert.report.sample import HOSTILE, healthy, sick


def suite_of(text: str) -> ET.Element:
    (suite,) = ET.fromstring(text)
    return suite


def test_findings_fail_ruled_out_causes_pass_and_failed_probes_are_skipped() -> None:
    diagnosis = sick()
    suite = suite_of(to_junit(diagnosis))
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == [finding.cause for finding in diagnosis.findings]
    skipped = [case.get("name") for case in suite if case.find("skipped") is not None]
    assert skipped == ["updates"]
    passed = {case.get("name") for case in suite if len(case) == 0}
    assert passed == {ruled.cause for ruled in diagnosis.ruled_out}


@pytest.mark.parametrize("diagnosis", [sick(), healthy(), sick(layer=HOSTILE)])
def test_the_counts_agree_with_the_cases(diagnosis: Diagnosis) -> None:
    suite = suite_of(to_junit(diagnosis))
    assert int(suite.get("tests", "")) == len(suite)
    assert int(suite.get("failures", "")) == len(suite.findall("*/failure"))
    assert int(suite.get("skipped", "")) == len(suite.findall("*/skipped"))


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    assert "\x00" not in to_junit(sick(layer=HOSTILE))
