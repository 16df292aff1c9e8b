"""From real logs to findings: the sick are told, the healthy are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from expert import load_knowledge
from expert.diagnosis import Diagnosis
from expert.inference.diagnose import diagnose
from expert.knowledge.loader import Knowledge
from probes.logs.curves import observe_curves
from probes.logs.reading import read_logs

DATA = Path(__file__).parents[2] / "data" / "logs"

SICK = {
    "rate_ten.log": ("learning-rate-too-high", "loss-diverges"),
    "rate_creeps_up.csv": ("learning-rate-too-high", "loss-diverges"),
    "rate_tiny_trainer_state.json": ("learning-rate-too-low", "loss-flat"),
    "overfits.csv": ("overfitting", "validation-does-not-follow"),
    "overflow.jsonl": ("numeric-instability", "loss-not-finite"),
    "stopped_early.csv": ("insufficient-training", "learns-slowly"),
    "rate_dies.csv": ("lr-schedule-wrong", "loss-flat"),
}
HEALTHY = [*sorted(path.name for path in DATA.glob("healthy*")), "events", "events_as_tensors"]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def diagnosed(knowledge: Knowledge, name: str, classes: int | None = None) -> Diagnosis:
    logs = read_logs([str(DATA / name)])
    return diagnose(observe_curves(logs.series, classes=classes), knowledge)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_log_has_neither_finding_nor_symptom(knowledge: Knowledge, name: str) -> None:
    found = diagnosed(knowledge, name)
    assert [finding.cause for finding in found.findings] == []
    assert [symptom.id for symptom in found.symptoms] == []


@pytest.mark.parametrize("name", sorted(SICK))
def test_the_cause_of_a_sick_log_comes_first(knowledge: Knowledge, name: str) -> None:
    cause, symptom = SICK[name]
    found = diagnosed(knowledge, name)
    assert [finding.cause for finding in found.findings][:1] == [cause]
    assert symptom in {symptom.id for symptom in found.symptoms}


def test_a_softmax_too_many_shows_in_loss_and_accuracy_together(knowledge: Knowledge) -> None:
    found = diagnosed(knowledge, "softmax_twice.csv")
    assert [finding.cause for finding in found.findings] == ["double-softmax"]


def test_weights_of_zero_stay_at_the_loss_of_guessing(knowledge: Knowledge) -> None:
    found = diagnosed(knowledge, "zero_weights.log", classes=10)
    assert {"loss-flat", "loss-at-chance"} <= {symptom.id for symptom in found.symptoms}


@pytest.mark.parametrize("name", [*SICK, *HEALTHY, "softmax_twice.csv", "zero_weights.log"])
def test_every_fact_is_declared_with_its_type(knowledge: Knowledge, name: str) -> None:
    kinds = {"number": (int, float), "integer": int, "flag": bool, "text": str}
    for seen in observe_curves(read_logs([str(DATA / name)]).series):
        declared = knowledge.facts[seen.name]
        assert isinstance(seen.value, kinds[declared.type]), seen
        assert declared.type == "flag" or not isinstance(seen.value, bool), seen
        assert declared.values is None or seen.value in declared.values, seen
