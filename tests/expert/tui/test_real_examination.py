"""One examination for real: a built-in patient, the child process, the probes, the diagnosis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from expert.examination import ExaminationProcess
from expert.knowledge.base import Knowledge
from expert.observation import Observation
from expert.tui.app import TorchmedicApp
from expert.tui.examining import FixedKnowledge, OnEvent, OnOutput, RunningExamination
from expert.tui.outcome import Subject
from expert.tui.patients import built_in_patients, patient_called
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.services import Services
from expert.tui.widgets.finding_list import FindingList
from tests.expert.tui.made_up import small_knowledge

CHEAP = ("data", "activations")


def prepare(
    spec: str,
    *,
    on_event: OnEvent,
    on_output: OnOutput,
    only: Sequence[str] = (),
    treated: Sequence[str] = (),
    given: Sequence[Observation] = (),
    knowledge: Knowledge | None = None,
) -> RunningExamination:
    return ExaminationProcess(spec, budget=30.0, only=CHEAP, on_event=on_event, on_output=on_output)


@pytest.mark.slow
def test_a_built_in_patient_is_examined_in_a_child_process() -> None:
    patients = built_in_patients()
    patient = patient_called(patients[0].id, patients)
    services = Services(
        load_knowledge=lambda: FixedKnowledge(small_knowledge()),
        examine=prepare,
        patients=patients,
        budget=30.0,
    )
    subject = Subject(patient.spec, patient.title, "demo")
    app = TorchmedicApp(services, language="en", subject=subject)

    async def run() -> None:
        async with app.run_test(size=(100, 30)):
            await reached_diagnosis(app)
            screen = app.screen
            assert isinstance(screen, DiagnosisScreen)
            assert {probe.id: probe.status for probe in screen.session.probes} == dict.fromkeys(
                CHEAP, "done"
            )
            assert {"input.mean_over_std", "activation.std"} <= {
                fact.name for fact in screen.session.measured
            }
            await wait_until(lambda: bool(screen.query_one(FindingList).option_count))

    asyncio.run(run())


async def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def reached_diagnosis(app: TorchmedicApp) -> None:
    end = time.monotonic() + 120.0
    while not isinstance(app.screen, DiagnosisScreen):
        assert isinstance(app.screen, ExaminationScreen), f"ended in {app.screen}"
        assert time.monotonic() < end, "the examination did not end"
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
