"""The built-in patients as the start screen lists them."""

from __future__ import annotations

from collections.abc import Sequence

from expert.errors import UsageError
from expert.spelling import nearest
from expert.tui import strings
from probes.demo import PATIENTS, DemoPatient

Patient = DemoPatient


def built_in_patients() -> Sequence[Patient]:
    """Return the built-in patients."""
    return PATIENTS


def patient_called(name: str, patients: Sequence[Patient]) -> Patient:
    """Return the patient whose id is `name`; raises `UsageError` that names the others."""
    ids = {patient.id: patient for patient in patients}
    if name in ids:
        return ids[name]
    close = nearest(name, ids)
    text = strings.UNKNOWN_PATIENT_CLOSE if close else strings.UNKNOWN_PATIENT
    values = {"name": name, "close": close or "", "names": ", ".join(ids)}
    raise UsageError(en=text.en.format(**values), zh=text.zh.format(**values))
