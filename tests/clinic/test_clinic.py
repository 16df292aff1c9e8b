"""The clinic's promise: the true cause first or nearly so, and silence on the healthy."""

from __future__ import annotations

import pytest
import torch

from .__main__ import examine
from .patients import PATIENTS, Patient

#: A proven slip that keeps no network from learning: told as a suspicion, not as a finding.
SUSPECTED_ONLY = "preprocessing-fit-on-all-data"
ILL = [p for p in PATIENTS if p.cause and p.cause != SUSPECTED_ONLY]
SLIPS = [patient for patient in PATIENTS if patient.cause == SUSPECTED_ONLY]
WELL = [patient for patient in PATIENTS if not patient.cause]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.slow
@pytest.mark.parametrize("patient", ILL, ids=lambda patient: patient.id)
def test_the_true_cause_is_among_the_first_three(patient: Patient) -> None:
    visit = examine(patient, seed=0)
    assert visit.outcome in ("first", "in 3"), visit.found


@pytest.mark.slow
@pytest.mark.parametrize("patient", SLIPS, ids=lambda patient: patient.id)
def test_a_slip_that_does_little_harm_is_suspected(patient: Patient) -> None:
    assert patient.cause in examine(patient, seed=0).suspected


@pytest.mark.slow
@pytest.mark.parametrize("patient", WELL, ids=lambda patient: patient.id)
def test_a_healthy_case_gets_no_finding(patient: Patient) -> None:
    assert examine(patient, seed=0).found == ()
