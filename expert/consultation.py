"""From a case to its diagnosis: what every front does, each in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from expert.diagnosis import Diagnosis
from expert.errors import UserCodeError
from expert.examination import Options, examine
from expert.examined import Examined
from expert.inference.diagnose import FINDING, diagnose
from expert.knowledge.base import Knowledge


@dataclass(frozen=True, slots=True)
class Consultation:
    """A diagnosis; `refusal`: the user's loss function raised this, which a finding explains."""

    diagnosis: Diagnosis
    refusal: UserCodeError | None = None


def consult(
    spec: str,
    rules: Knowledge,
    *,
    thorough: bool = False,
    min_certainty: float = FINDING,
    **options: Unpack[Options],
) -> Consultation:
    """Examine the case that `spec`, "FILE.py:FUNC", describes, and diagnose it by `rules`.

    What is looked at is chosen; `thorough` runs every probe. Raises UsageError and UserCodeError,
    the latter also for a loss function that raises when no finding explains it.
    """
    if not thorough:
        options["knowledge"] = rules
    return concluded(examine(spec, **options), rules, min_certainty=min_certainty)


def concluded(
    examined: Examined, knowledge: Knowledge, *, min_certainty: float = FINDING
) -> Consultation:
    """Diagnose what an examination saw. Raises its refusal when no finding explains that."""
    diagnosis = diagnose(
        examined.observations,
        knowledge,
        min_certainty=min_certainty,
        inquiries=examined.inquiries,
    )
    if examined.refusal is not None and not diagnosis.findings:
        raise examined.refusal
    return Consultation(diagnosis, examined.refusal)
