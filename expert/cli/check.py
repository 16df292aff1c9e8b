"""`torchmedic check FILE.py:FUNC`: examine a case and print the diagnosis."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.cli.progress import ProgressDisplay
from expert.diagnosis import Diagnosis
from expert.errors import UsageError, UserCodeError
from expert.examination import examine
from expert.inference.diagnose import diagnose
from expert.language import Language
from expert.report.json_report import to_json
from expert.report.text_report import print_diagnosis


def check(options: argparse.Namespace) -> int:
    """Examine the case of `options.spec`, report, and return the exit status."""
    diagnosis = diagnosis_of(options.spec, options)
    return report(diagnosis, options)


def diagnosis_of(spec: str, options: argparse.Namespace) -> Diagnosis:
    """Examine a case in a child process, showing progress, and diagnose it."""
    knowledge = knowledge_for(options)  # first: a mistake in a pack should not cost a minute
    refuse_unwritable(options.json)
    with ProgressDisplay(Console(stderr=True), options.lang) as display:
        examined = examine(
            spec,
            budget=options.budget,
            device=options.device,
            on_event=display.update,
            on_output=display.user_output,
        )
    diagnosis = diagnose(
        examined.observations,
        knowledge,
        min_certainty=options.min_certainty,
        inquiries=examined.inquiries,
    )
    if examined.refusal is not None:
        tell_refusal(examined.refusal, diagnosis, options.lang)
    return diagnosis


def tell_refusal(refusal: UserCodeError, diagnosis: Diagnosis, language: Language) -> None:
    """Show what the user's loss function raised; raise it when no finding explains it."""
    if not diagnosis.findings:
        raise refusal
    print(refusal.traceback.rstrip(), file=sys.stderr)
    print(f"torchmedic: {refusal.say(language)}", file=sys.stderr)


def report(diagnosis: Diagnosis, options: argparse.Namespace) -> int:
    """Print the diagnosis, or write it as JSON, and return the exit status."""
    if options.json == "-":
        sys.stdout.write(to_json(diagnosis, options.lang))
        sys.stdout.flush()
    else:
        print_diagnosis(diagnosis, Console(highlight=False), options.lang)
    if options.json and options.json != "-":
        Path(options.json).write_text(to_json(diagnosis, options.lang), encoding="utf-8")
    return 1 if diagnosis.findings else 0


def refuse_unwritable(target: str | None) -> None:
    """Raise UsageError before a long examination if its result could not be written."""
    if not target or target == "-":
        return
    path = Path(target)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(
            en=f"cannot write {target}: it is a folder, or its folder does not exist",
            zh=f"无法写入 {target}：它是文件夹，或其所在文件夹不存在",
        )
