"""The diagnosis as JUnit XML: one test case per cause that was looked into, failed where found."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from expert.diagnosis import Diagnosis, Finding
from expert.language import Language
from expert.report.words import colon, measurement, not_checked, not_done

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""


def to_junit(diagnosis: Diagnosis, language: Language = "en") -> str:
    """Return findings as failures, ruled-out causes as passed, inquiries not made as skipped."""
    left_out = not_checked(diagnosis)
    suite = ET.Element(
        "testsuite",
        name="torchmedic",
        tests=str(len(diagnosis.findings) + len(diagnosis.ruled_out) + len(left_out)),
        failures=str(len(diagnosis.findings)),
        errors="0",
        skipped=str(len(left_out)),
        time=f"{sum(inquiry.seconds for inquiry in diagnosis.inquiries):.3f}",
    )
    for finding in diagnosis.findings:
        case = ET.SubElement(suite, "testcase", classname="torchmedic.cause", name=finding.cause)
        message = _clean(f"{finding.title.get(language)} ({finding.certainty:.2f})")
        failure = ET.SubElement(case, "failure", message=message, type=finding.cause)
        failure.text = _clean(_told(finding, language))
    for ruled in diagnosis.ruled_out:
        ET.SubElement(suite, "testcase", classname="torchmedic.cause", name=ruled.cause)
    for inquiry in left_out:
        name = _clean(inquiry.id)
        case = ET.SubElement(suite, "testcase", classname=f"torchmedic.{inquiry.kind}", name=name)
        ET.SubElement(case, "skipped", message=_clean(not_done(inquiry, language)))
    root = ET.Element("testsuites", name="torchmedic")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _told(finding: Finding, language: Language) -> str:
    lines = [finding.why.get(language)]
    for evidence in finding.evidence:
        lines.append(f"{evidence.certainty:+.2f} {evidence.reason.get(language)}")
        lines += [f"    {measurement(fact)}" for fact in evidence.facts]
    lines += [f"{place.file}:{place.line}" for place in finding.locations]
    lines += [
        f"-> {fix.title.get(language)}{colon(language)}{fix.instructions.get(language)}"
        for fix in finding.fixes
    ]
    return "\n".join(lines)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
