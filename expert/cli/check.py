"""`torchmedic check FILE.py:FUNC`: examine a case and print the diagnosis."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from expert.cli.ask import Person
from expert.cli.knowledge import knowledge_for
from expert.cli.output import refuse_unwritable, report
from expert.cli.progress import ProgressDisplay
from expert.consultation import consult
from expert.diagnosis import Diagnosis
from expert.errors import UserCodeError
from expert.examination import TryFixes
from expert.language import Language
from expert.observation import Observation
from expert.trial_inquiries import useful
from expert.tried import Tried
from expert.trying import try_fixes


def check(options: argparse.Namespace) -> int:
    """Examine the case of `options.spec`, report, and return the exit status."""
    diagnosis = diagnosis_of(options.spec, options)
    return report(diagnosis, options)


def diagnosis_of(spec: str, options: argparse.Namespace) -> Diagnosis:
    """Examine a case in a child process, showing progress, and diagnose it."""
    knowledge = knowledge_for(options)  # first: a mistake in a pack should not cost a minute
    refuse_unwritable(options)
    with ProgressDisplay(Console(stderr=True), options.lang) as display:
        consultation = consult(
            spec,
            knowledge,
            thorough=options.thorough,
            min_certainty=options.min_certainty,
            budget=options.budget,
            device=options.device,
            person=Person(knowledge, options, display) if options.ask else None,
            try_fixes=_trials(spec, options, display) if options.trials else None,
            on_event=display.update,
            on_output=display.user_output,
        )
    if consultation.refusal is not None:
        tell_refusal(consultation.refusal, options.lang)
    return consultation.diagnosis


def _trials(spec: str, options: argparse.Namespace, display: ProgressDisplay) -> TryFixes:
    def make(trials: Sequence[str], given: Sequence[Observation], seconds: float) -> Tried:
        return try_fixes(
            spec,
            trials,
            given=useful(given),
            budget=seconds,
            device=options.device,
            on_event=display.update,
            on_output=display.user_output,
        )

    return make


def tell_refusal(refusal: UserCodeError, language: Language) -> None:
    """Show what the user's loss function raised, where a finding explains it."""
    print(refusal.traceback.rstrip(), file=sys.stderr)
    print(f"torchmedic: {refusal.say(language)}", file=sys.stderr)
