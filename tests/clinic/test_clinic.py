"""The clinic's promise: the true cause first or nearly so, and silence on the healthy."""

from __future__ import annotations

import pytest

from expert import built_in_knowledge

from .chosen import chosen_ill, chosen_twice_ill, chosen_well
from .patient import Patient
from .scoring import Outcome, Scored
from .visit import examine


def outcome(patient: Patient) -> tuple[Outcome, object]:
    visit = examine(patient, 0, built_in_knowledge())
    return Scored(patient, visit).outcome, visit.error or visit.said


@pytest.mark.slow
@pytest.mark.parametrize("patient", chosen_ill(), ids=lambda patient: patient.id)
def test_the_true_cause_is_among_the_first_three(patient: Patient) -> None:
    found, said = outcome(patient)
    assert found in ("first", "in 3", "suspect"), said


@pytest.mark.slow
@pytest.mark.parametrize("patient", chosen_twice_ill(), ids=lambda patient: patient.id)
def test_both_of_two_faults_are_among_the_first_three(patient: Patient) -> None:
    found, said = outcome(patient)
    assert found in ("first", "in 3"), said


@pytest.mark.slow
@pytest.mark.parametrize("patient", chosen_well(), ids=lambda patient: patient.id)
def test_a_healthy_case_gets_no_finding(patient: Patient) -> None:
    found, said = outcome(patient)
    assert found == "silent", said
