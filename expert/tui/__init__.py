"""The terminal interface: `run_tui` opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expert.knowledge.loader import Knowledge
    from expert.language import Language

__all__ = ["run_tui"]


def run_tui(
    spec: str | None = None,
    *,
    language: Language,
    knowledge: Callable[[], Knowledge],
    budget: float = 120.0,
    device: str | None = None,
    demo: str | None = None,
) -> int:
    """Open the interface and return an exit status once it is left.

    It opens on the start screen; with `spec` ("FILE.py:FUNC") or `demo` (the id of a built-in
    patient) on the examination of that case. `knowledge` is called in a thread once the first
    frame is drawn; `budget` is in seconds. Raises `UsageError` for an unknown patient.
    """
    from expert.examination import ExaminationProcess
    from expert.tui.app import TorchmedicApp
    from expert.tui.examining import OnEvent, OnOutput, RunningExamination
    from expert.tui.outcome import Subject
    from expert.tui.patients import built_in_patients, patient_called

    def examine(spec: str, *, on_event: OnEvent, on_output: OnOutput) -> RunningExamination:
        return ExaminationProcess(
            spec, budget=budget, device=device, on_event=on_event, on_output=on_output
        )

    patients = built_in_patients()
    subject = Subject(spec) if spec else None
    if demo:
        patient = patient_called(demo, patients)
        subject = Subject(patient.spec, patient.title)
    app = TorchmedicApp(
        language=language,
        load_knowledge=knowledge,
        examine=examine,
        budget=budget,
        patients=patients,
        subject=subject,
    )
    app.run()
    return app.return_code or 0
