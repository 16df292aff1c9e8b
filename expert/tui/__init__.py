"""The terminal interface: `run_tui` opens it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expert.language import Language

__all__ = ["run_tui"]


def run_tui(
    spec: str | None = None,
    *,
    language: Language,
    rules: Sequence[str] = (),
    budget: float = 120.0,
    min_certainty: float = 0.5,
    device: str | None = None,
    demo: str | None = None,
) -> int:
    """Open the interface and return an exit status once it is left.

    It opens on the start screen; with `spec` ("FILE.py:FUNC") or `demo` (the id of a built-in
    patient) on the examination of that case. `rules` are files or folders of rules to add, read in
    a thread once the first frame is drawn; `budget` is in seconds; causes of at least
    `min_certainty` are findings. Raises `UsageError` for an unknown patient.
    """
    from expert.tui.app import TorchmedicApp
    from expert.tui.outcome import Subject
    from expert.tui.patients import patient_called
    from expert.tui.running import real_services

    services = real_services(rules=rules, budget=budget, min_certainty=min_certainty, device=device)
    subject = Subject(spec) if spec else None
    if demo:
        patient = patient_called(demo, services.patients)
        subject = Subject(patient.spec, patient.title, "demo")
    app = TorchmedicApp(services, language=language, subject=subject)
    app.run()
    return app.return_code or 0
