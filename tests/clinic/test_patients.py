"""The register is sound: patients are built alike from equal seeds and make a training step."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from probes.demo import PATIENTS as DEMO_PATIENTS

from .chosen import chosen_ill, chosen_twice_ill
from .patient import Patient
from .patients import PATIENTS
from .training import predictions, train


def _first_tensors(batch: Any) -> list[torch.Tensor]:
    if isinstance(batch, torch.Tensor):
        return [batch]
    return list(batch.values()) if isinstance(batch, dict) else list(batch)


def _state(case: dict[str, Any]) -> list[torch.Tensor]:
    batch = next(iter(case["train_loader"]))
    return [*case["model"].state_dict().values(), *_first_tensors(batch)]


def _with_most_marked_slow() -> list[Any]:
    quick = {patient.id for patient in (*chosen_ill(), *chosen_twice_ill())}
    return [
        pytest.param(p, id=p.id, marks=[] if p.id in quick else pytest.mark.slow) for p in PATIENTS
    ]


def test_every_patient_has_an_id_of_its_own() -> None:
    assert len({patient.id for patient in PATIENTS}) == len(PATIENTS)


def test_every_fault_is_compared_with_a_healthy_control_of_the_register() -> None:
    healthy = {patient.id for patient in PATIENTS if patient.cause is None}
    assert {patient.well for patient in PATIENTS} <= healthy


@pytest.mark.parametrize("patient", _with_most_marked_slow())
def test_equal_seeds_build_equal_cases(patient: Patient) -> None:
    first, second = _state(patient.build(3)), _state(patient.build(3))
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    "patient",
    [patient for patient in PATIENTS if patient.id in ("wine/healthy", "fine-tuning/healthy")],
    ids=lambda patient: patient.id,
)
def test_a_healthy_control_learns(patient: Patient) -> None:
    case = patient.build(0)
    before = patient.score(*predictions(case))
    assert train(case) == ""
    assert patient.score(*predictions(case)) > max(0.9, before)


@pytest.mark.parametrize("patient", DEMO_PATIENTS, ids=lambda patient: patient.id)
def test_a_demo_patient_tells_its_story_in_both_languages(patient: Any) -> None:
    for text in (patient.title, patient.story):
        assert text.en
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)
    assert patient.path.is_file()
