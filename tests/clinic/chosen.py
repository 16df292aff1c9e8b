"""Which patients the slow tests of continuous integration examine: all causes, in minutes."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .held_out import is_held_out
from .patient import Patient
from .patients import PATIENTS
from .wards import no_faults, two_faults

#: Bases from the quickest to the slowest to examine; others come after these.
_QUICK: Final = (
    "wine", "diabetes", "breast-cancer", "seasons", "spirals", "traffic", "digits-mlp",
    "digit-attributes", "digit-pairs", "digits-autoencoder", "digits-cnn", "digits-deep",
)  # fmt: skip

#: Patients whose true cause is not found, or healthy ones that alarm, and why: known failures.
KNOWN_FAILURES: Final[dict[str, str]] = {
    "digits-mlp/hardly-anything-but-zeros": "suspected only: a few of each rare class are learnt",
    "characters-transformer/plain-sgd": "hardly ill: SGD gets 0.87 times as far as Adam",
    "traffic/half-of-validation-seen-before": "its codes repeat by nature, which excuses copies",
    "digits-cnn/softmax-twice-and-tiny-rate": "the tiny rate counts as the softmax's doing",
    "characters-transformer/blocks-in-a-list-and-huge-rate": "blocks that never move hide the rate",
}


def chosen_ill() -> list[Patient]:
    """Return one patient with each cause, of quick bases and of as many as possible."""
    found: dict[str, list[Patient]] = {}
    for patient in _eligible():
        if patient.cause is not None and not patient.second:
            found.setdefault(patient.cause, []).append(patient)
    used: Counter[str] = Counter()
    chosen = []
    for cause in sorted(found, key=lambda cause: (len(found[cause]), cause)):
        chosen.append(min(found[cause], key=lambda p: _rank(p, used)))
        used[chosen[-1].base] += 1
    return chosen


def chosen_well() -> list[Patient]:
    """Return one healthy patient of each base, and all that look ill and are not."""
    bases: dict[str, Patient] = {}
    for patient in _eligible():
        if patient.cause is None:
            bases.setdefault(patient.base, patient)
    odd = [patient for patient in no_faults.PATIENTS if patient.id not in KNOWN_FAILURES]
    return list({patient.id: patient for patient in (*bases.values(), *odd)}.values())


def chosen_twice_ill() -> list[Patient]:
    """Return a few patients with two faults."""
    eligible = [p for p in two_faults.PATIENTS if p.id not in KNOWN_FAILURES]
    return sorted(eligible, key=_slowness)[:4]


def _eligible() -> list[Patient]:
    return [p for p in PATIENTS if p.id not in KNOWN_FAILURES and not is_held_out(p)]


def _rank(patient: Patient, used: Counter[str]) -> tuple[bool, int, int]:
    return patient.base not in _QUICK, used[patient.base], _slowness(patient)


def _slowness(patient: Patient) -> int:
    return _QUICK.index(patient.base) if patient.base in _QUICK else len(_QUICK)
