"""`torchmedic explain DIAGNOSIS.json [ID]`: how, why not and what if, from a saved diagnosis."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.errors import UsageError
from expert.inference.explain import explain as explain_conclusion
from expert.inference.explain import what_if
from expert.knowledge.loader import Knowledge, suggest
from expert.knowledge.reader import plain_scalar
from expert.observation import Observation
from expert.report.explanation_report import (
    change_data,
    explanation_data,
    print_changes,
    print_explanation,
)


def explain(options: argparse.Namespace) -> int:
    """Explain one conclusion, or all findings, of a diagnosis written with --json."""
    knowledge = knowledge_for(options)
    report = _read(options.diagnosis)
    observations = _observations(report, options.diagnosis)
    if options.what_if:
        _what_if(observations, knowledge, options)
        return 0
    ids = [options.id] if options.id else [finding["cause"] for finding in report["findings"]]
    for id_ in ids:
        _check_known(id_, knowledge)
    explanations = [explain_conclusion(observations, knowledge, id_) for id_ in ids]
    if options.json:
        _print_json([explanation_data(item, options.lang) for item in explanations])
        return 0
    console = Console(highlight=False)
    for explanation in explanations:
        print_explanation(explanation, console, options.lang)
    return 0


def _what_if(
    observations: list[Observation], knowledge: Knowledge, options: argparse.Namespace
) -> None:
    changes = [_change(text, knowledge) for text in options.what_if]
    moved = what_if(observations, knowledge, changes)[1]
    if options.json:
        _print_json([change_data(change, options.lang) for change in moved])
    else:
        print_changes(moved, Console(highlight=False), options.lang)


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def _read(path: str) -> dict[str, Any]:
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


def _observations(report: dict[str, Any], path: str) -> list[Observation]:
    try:
        return [
            Observation.from_json({"name": name, **fact}) for name, fact in report["facts"].items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            en=f"the facts in {path} are damaged ({error})", zh=f"{path} 中的事实已损坏（{error}）"
        ) from None


def _change(text: str, knowledge: Knowledge) -> Observation:
    name, sign, value = text.partition("=")
    if not sign or name not in knowledge.facts:
        hint = (
            "write FACT=VALUE"
            if not sign
            else suggest(name, knowledge.facts) or "see rules list --facts"
        )
        raise UsageError(
            en=f"--what-if {text}: no such fact; {hint}",
            zh=f"--what-if {text}：没有这个事实；{hint}",
        )
    scalar = plain_scalar(value)
    return Observation(name, "" if scalar is None else scalar, origin="what-if")


def _check_known(id_: str, knowledge: Knowledge) -> None:
    known = {*knowledge.causes, *knowledge.symptoms}
    if id_ not in known:
        hint = suggest(id_, known) or "see `torchmedic rules list`"
        raise UsageError(
            en=f"there is no cause or symptom '{id_}'; {hint}",
            zh=f"没有名为“{id_}”的原因或现象；{hint}",
        )
