"""The clinic is broad: every cause has patients on different bases, every base a healthy one."""

from __future__ import annotations

from collections.abc import Iterable

from expert import built_in_knowledge

from .chosen import KNOWN_FAILURES, chosen_ill
from .held_out import HELD_OUT_BASES, is_held_out
from .patient import Patient
from .patients import PATIENTS
from .wards import two_faults

#: Causes that no patient here can have.
NEED_MORE = {
    **dict.fromkeys(
        (
            "ranks-read-same-data",
            "module-called-past-ddp",
            "replicas-diverged",
            "nonfinite-on-one-rank",
            "uneven-batches-across-ranks",
            "batchnorm-not-synchronised",
            "optimizer-holds-unsharded-parameters",
            "rank-lost",
        ),
        "needs several processes: shows only while a whole distributed script runs",
    ),
    "hardware-unused": "needs a machine with an idle GPU",
    "evaluated-in-training-mode": "shows only while a whole script runs: tests/probes/watching",
}
#: Causes with patients on fewer than three bases, how many, and why.
FEW_BASES = {
    "input-not-preprocessed": (2, "categories and angles are in no data set that we may bundle"),
    "pretrained-preprocessing-mismatch": (1, "only a pretrained network with batch norm has it"),
}


def with_cause(cause: str) -> list[Patient]:
    return [patient for patient in PATIENTS if patient.cause == cause]


def bases(patients: Iterable[Patient]) -> set[str]:
    return {patient.base for patient in patients}


def test_every_cause_has_three_patients_on_three_bases() -> None:
    thin = {}
    for cause in built_in_knowledge().causes:
        found = with_cause(cause)
        wanted, _ = FEW_BASES.get(cause, (3, ""))
        if cause not in NEED_MORE and (len(found) < 3 or len(bases(found)) < wanted):
            thin[cause] = [patient.id for patient in found]
    assert thin == {}


def test_exceptions_are_still_needed() -> None:
    causes = {patient.cause for patient in PATIENTS}
    assert not causes & set(NEED_MORE)
    assert all(len(bases(with_cause(cause))) == count for cause, (count, _) in FEW_BASES.items())
    assert set(KNOWN_FAILURES) <= {patient.id for patient in PATIENTS}


def test_every_base_has_a_healthy_patient() -> None:
    healthy = bases(patient for patient in PATIENTS if patient.cause is None)
    assert bases(PATIENTS) == healthy
    assert len(healthy) >= 12


def test_causes_of_patients_are_known_causes() -> None:
    known = set(built_in_knowledge().causes)
    assert set().union(*(patient.true_causes for patient in PATIENTS)) <= known


def test_ten_pairs_of_independent_faults() -> None:
    pairs = {(patient.cause, patient.second[0]) for patient in two_faults.PATIENTS}
    assert len(pairs) >= 10
    assert all(not first & second for first, second in (p.faults for p in two_faults.PATIENTS))


def test_continuous_integration_sees_every_cause_and_nothing_held_out() -> None:
    seen = {patient.cause for patient in chosen_ill()}
    assert seen >= {patient.cause for patient in PATIENTS if patient.cause} - {None}
    assert not any(is_held_out(patient) for patient in chosen_ill())


def test_held_out_bases_have_ill_and_healthy_patients() -> None:
    for base in HELD_OUT_BASES:
        own = [patient.cause for patient in PATIENTS if patient.base == base]
        assert None in own
        assert len(own) >= 3
