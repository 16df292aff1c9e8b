"""Examine a case in this process: for notebooks, trainers and tests."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from expert.consultation import concluded
from expert.diagnosis import Diagnosis, Inquiry
from expert.errors import UserCodeError
from expert.examined import Examined
from expert.knowledge.base import Knowledge
from expert.knowledge.found import load_found
from expert.language import preferred_language

if TYPE_CHECKING:
    from probes.case.case import Case
    from probes.running.events import Event


def check(
    case: Case | Mapping[str, Any],
    *,
    budget: float = 60.0,
    min_certainty: float = 0.5,
    knowledge: Knowledge | None = None,
) -> Diagnosis:
    """Examine a case and return its diagnosis; nothing of the case changes, bit for bit.

    `case`: what a case function returns, a `Case` or a dict with model, loss_fn, optimizer,
    train_loader and more; `budget` in seconds; `knowledge`: by default the built-in one with the
    packs that are found. Raises UsageError for what is no case, and UserCodeError when the model
    or the loss function raises and no finding explains it.
    """
    from probes.case.case import Case
    from probes.running.events import LossRefused, ProbeEnded, Warned
    from probes.running.run import run_probes

    inquiries: list[Inquiry] = []
    refusals: list[UserCodeError] = []

    def note(event: Event) -> None:
        if isinstance(event, ProbeEnded):
            inquiries.append(
                Inquiry(
                    event.id,
                    "probe",
                    event.status,
                    event.seconds,
                    event.steps,
                    event.reason,
                    event.cut_short,
                )
            )
        elif isinstance(event, LossRefused):
            refusals.append(event.error)
        elif isinstance(event, Warned):
            warnings.warn(event.text.get(preferred_language()), stacklevel=2)

    rules = load_found() if knowledge is None else knowledge
    observations = run_probes(Case.of(case), budget_s=budget, on_event=note)
    refusal = refusals[0] if refusals else None
    examined = Examined(tuple(observations), tuple(inquiries), refusal=refusal)
    return concluded(examined, rules, min_certainty=min_certainty).diagnosis
