"""`torchmedic check FILE.py:FUNC`: examine a case and print the diagnosis."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.cli.output import refuse_unwritable, report
from expert.cli.progress import ProgressDisplay
from expert.diagnosis import Diagnosis
from expert.errors import UserCodeError
from expert.examination import examine
from expert.inference.diagnose import diagnose
from expert.language import Language


def check(options: argparse.Namespace) -> int:
    """Examine the case of `options.spec`, report, and return the exit status."""
    diagnosis = diagnosis_of(options.spec, options)
    return report(diagnosis, options)


def diagnosis_of(spec: str, options: argparse.Namespace) -> Diagnosis:
    """Examine a case in a child process, showing progress, and diagnose it."""
    knowledge = knowledge_for(options)  # first: a mistake in a pack should not cost a minute
    refuse_unwritable(options)
    with ProgressDisplay(Console(stderr=True), options.lang) as display:
        examined = examine(
            spec,
            budget=options.budget,
            device=options.device,
            knowledge=None if options.thorough else knowledge,
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
