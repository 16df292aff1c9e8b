"""The findings as SARIF 2.1.0, which code hosts show at the lines they concern.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from expert.diagnosis import Diagnosis, Finding, Location
from expert.language import Language
from expert.report.words import not_checked, not_done

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "SRCROOT"


def to_sarif(diagnosis: Diagnosis, language: Language = "en", *, root: Path | None = None) -> str:
    """Return the findings (errors) and suspects (notes) as SARIF; paths are relative to `root`.

    `root`: the folder of the checkout, by default the current one. A finding without a line in the
    user's code names its cause as a logical location.
    """
    folder = (root or Path.cwd()).resolve()
    told = [*diagnosis.findings, *diagnosis.suspects]
    results = [_result(finding, i, folder, language) for i, finding in enumerate(told)]
    for result in results[: len(diagnosis.findings)]:
        result["level"] = "error"
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "torchmedic",
                        "informationUri": "https://pypi.org/project/torchmedic/",
                        "version": _version(),
                        "rules": [_rule(finding, language) for finding in told],
                    }
                },
                "language": "zh-CN" if language == "zh" else "en-US",
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"uri": folder.as_uri().rstrip("/") + "/"}},
                "invocations": [_invocation(diagnosis, language)],
                "results": results,
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(finding: Finding, language: Language) -> dict[str, Any]:
    return {
        "id": finding.cause,
        "shortDescription": {"text": finding.title.get(language)},
        "fullDescription": {"text": finding.why.get(language)},
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Finding, index: int, folder: Path, language: Language) -> dict[str, Any]:
    lines = [finding.title.get(language) + "."]
    lines += [evidence.reason.get(language) for evidence in finding.evidence]
    lines += [f"-> {fix.title.get(language)}" for fix in finding.fixes[:1]]
    places = [_physical(place, folder) for place in finding.locations]
    return {
        "ruleId": finding.cause,
        "ruleIndex": index,
        "level": "note",
        "kind": "fail",
        "rank": round(100 * finding.certainty, 1),
        "message": {"text": "\n".join(lines)},
        "locations": places[:1] or [_logical(finding)],
        "relatedLocations": [{"id": i, **place} for i, place in enumerate(places[1:], 1)],
        "properties": {"certainty": round(finding.certainty, 4)},
    }


def _physical(place: Location, folder: Path) -> dict[str, Any]:
    path = Path(place.file)
    try:
        relative = PurePosixPath((folder / path).resolve().relative_to(folder))
        artifact = {"uri": quote(str(relative)), "uriBaseId": _ROOT}
    except ValueError:  # outside the checkout
        artifact = {"uri": path.resolve().as_uri()}
    region = {"startLine": max(1, place.line)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _logical(finding: Finding) -> dict[str, Any]:
    return {"logicalLocations": [{"name": finding.cause, "kind": "object"}]}


def _invocation(diagnosis: Diagnosis, language: Language) -> dict[str, Any]:
    left_out = not_checked(diagnosis)
    return {
        "executionSuccessful": not any(i.status == "failed" for i in left_out),
        "toolExecutionNotifications": [
            {
                "level": "warning" if inquiry.status == "failed" else "note",
                "message": {"text": not_done(inquiry, language)},
            }
            for inquiry in left_out
        ],
    }


def _version() -> str:
    try:
        return version("torchmedic")
    except PackageNotFoundError:  # run from a folder, not installed
        return "0"
