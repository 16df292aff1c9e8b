"""`torchmedic demo [PATIENT]`: examine a built-in broken patient."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.text import Text as Styled

from expert.cli.check import diagnosis_of
from expert.cli.output import report, takes_standard_output, writes_files
from expert.tui.patients import patient_called
from probes.demo import PATIENTS, DemoPatient


def demo(options: argparse.Namespace) -> int:
    """Open the patient in the interface, or print its report where there is no terminal."""
    if options.list:
        return _list(options)
    patient = patient_called(options.patient, PATIENTS) if options.patient else None
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if on_terminal and not options.text and not writes_files(options):
        from expert.tui import run_tui

        return run_tui(
            language=options.lang,
            rules=options.rules,
            budget=options.budget,
            min_certainty=options.min_certainty,
            device=options.device,
            demo=(patient or PATIENTS[0]).id,
        )
    return _as_text(patient or PATIENTS[0], options)


def _list(options: argparse.Namespace) -> int:
    console = Console(highlight=False, soft_wrap=True)
    for patient in PATIENTS:
        console.print(Styled(f"{patient.id:28s} {patient.title.get(options.lang)}"))
    return 0


def _as_text(patient: DemoPatient, options: argparse.Namespace) -> int:
    if not takes_standard_output(options):
        console = Console(highlight=False)
        console.print(Styled(patient.title.get(options.lang), style="bold"))
        console.print(Styled(patient.story.get(options.lang)))
    return report(diagnosis_of(patient.spec, options), options)
