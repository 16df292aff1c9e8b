"""`torchmedic explain DIAGNOSIS.json [ID]`: how, why not and what if, from a saved diagnosis."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.cli.saved_diagnosis import observations_in, read_diagnosis
from expert.errors import UsageError
from expert.inference.explain import explain as explain_conclusion
from expert.inference.explain import what_if
from expert.inference.why import inquiries, why
from expert.knowledge.loader import Knowledge
from expert.knowledge.reader import plain_scalar
from expert.language import Text
from expert.observation import Observation
from expert.report.explanation_report import (
    change_data,
    explanation_data,
    print_changes,
    print_explanation,
)
from expert.report.why_report import print_next, print_why, why_data
from expert.spelling import did_you_mean

_FACT_AND_VALUE = Text(en="write FACT=VALUE", zh="请写成 FACT=VALUE")
_FACTS_LISTED = Text(
    en="see `torchmedic rules list --facts`", zh="请查看 `torchmedic rules list --facts`"
)
_INQUIRIES_NAMED = Text(
    en="write question:ID or probe:ID, as `torchmedic explain DIAGNOSIS.json --why` lists them",
    zh="请写成 question:ID 或 probe:ID，`torchmedic explain DIAGNOSIS.json --why` 会列出它们",
)
_CAUSES_LISTED = Text(en="see `torchmedic rules list`", zh="请查看 `torchmedic rules list`")


def explain(options: argparse.Namespace) -> int:
    """Explain one conclusion, or all findings, of a diagnosis written with --json."""
    knowledge = knowledge_for(options)
    report = read_diagnosis(options.diagnosis)
    observations = observations_in(report, options.diagnosis)
    if options.why:
        _why(report, observations, knowledge, options)
        return 0
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


def _why(
    report: dict[str, Any],
    observations: list[Observation],
    knowledge: Knowledge,
    options: argparse.Namespace,
) -> None:
    """Tell what an inquiry is for; of all that can still be made, the one that is worth most."""
    done = [i for i in report.get("inquiries", ()) if i.get("status") == "done"]
    made = [f"{inquiry['kind']}:{inquiry['id']}" for inquiry in done]
    answers = why(observations, knowledge, inquiries(knowledge, observations, made))
    if options.why != "next":
        answers = tuple(answer for answer in answers if answer.id == options.why)
        if not answers:
            _refuse_inquiry(options.why, knowledge)
    if options.json:
        _print_json([why_data(answer, options.lang) for answer in answers])
    elif options.why != "next":
        print_why(answers[0], Console(highlight=False), options.lang)
    else:
        print_next(answers, Console(highlight=False), options.lang)


def _refuse_inquiry(id_: str, knowledge: Knowledge) -> None:
    known = [candidate.id for candidate in inquiries(knowledge)]
    if id_ in known:
        raise UsageError(
            en=f"--why {id_}: it has told all it can, see the facts of this diagnosis",
            zh=f"--why {id_}：它能提供的信息已全部取得，见本次诊断的事实",
        )
    hint = did_you_mean(id_, known) or _INQUIRIES_NAMED
    raise UsageError(
        en=f"--why {id_}: no such inquiry; {hint.en}", zh=f"--why {id_}：没有这项检查；{hint.zh}"
    )


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def _change(text: str, knowledge: Knowledge) -> Observation:
    name, sign, value = text.partition("=")
    if not sign or name not in knowledge.facts:
        hint = did_you_mean(name, knowledge.facts) or _FACTS_LISTED if sign else _FACT_AND_VALUE
        raise UsageError(
            en=f"--what-if {text}: no such fact; {hint.en}",
            zh=f"--what-if {text}：没有这个事实；{hint.zh}",
        )
    scalar = plain_scalar(value)
    return Observation(name, "" if scalar is None else scalar, origin="what-if")


def _check_known(id_: str, knowledge: Knowledge) -> None:
    known = {*knowledge.causes, *knowledge.symptoms}
    if id_ not in known:
        hint = did_you_mean(id_, known) or _CAUSES_LISTED
        raise UsageError(
            en=f"there is no cause or symptom '{id_}'; {hint.en}",
            zh=f"没有名为“{id_}”的原因或现象；{hint.zh}",
        )
