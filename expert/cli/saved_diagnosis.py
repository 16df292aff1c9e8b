"""Reading back a diagnosis that was written with --json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from expert.errors import UsageError
from expert.observation import Observation


def read_diagnosis(path: str) -> dict[str, Any]:
    """Return the JSON object in `path` (- for standard input); UsageError if it is none of ours."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        report = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            en=f"{path} cannot be read as a diagnosis ({error}); write one with "
            "`torchmedic check FILE.py:FUNC --json FILE`",
            zh=f"无法把 {path} 读作诊断结果（{error}）；"
            "请用 `torchmedic check FILE.py:FUNC --json FILE` 生成",
        ) from None
    if not isinstance(report, dict) or report.get("schema") != "torchmedic.diagnosis/1":
        raise UsageError(
            en=f"{path} is not a diagnosis of schema torchmedic.diagnosis/1",
            zh=f"{path} 不是 torchmedic.diagnosis/1 格式的诊断结果",
        )
    return report


def observations_in(report: dict[str, Any], path: str) -> list[Observation]:
    """Return the facts of a diagnosis that was read from `path`."""
    try:
        return [
            Observation.from_json({"name": name, **fact}) for name, fact in report["facts"].items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            en=f"the facts in {path} are damaged ({error})", zh=f"{path} 中的事实已损坏（{error}）"
        ) from None
