"""What the rules are never tuned on: bases whose patients only score, and seeds likewise."""

from __future__ import annotations

from typing import Final

from .patient import Patient

#: Whoever changes a rule, a probe or a patient looks at other bases and seeds than these.
HELD_OUT_BASES: Final = (
    "iris-mlp",
    "friedman-residual",
    "textures-cnn",
    "brackets-lstm",
    "ratings",
)
HELD_OUT_SEEDS: Final = (11, 12, 13)


def is_held_out(patient: Patient) -> bool:
    """Return whether the patient's base is one that nothing is tuned on."""
    return patient.base in HELD_OUT_BASES


def is_held_out_visit(patient: Patient, seed: int) -> bool:
    """Return whether base or seed of a visit is one that nothing is tuned on."""
    return is_held_out(patient) or seed in HELD_OUT_SEEDS
