"""One examination for real: a built-in patient, the child process, the probes, the diagnosis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot

from expert.examination import ExaminationProcess
from expert.knowledge.base import Knowledge
from expert.language import Text
from expert.observation import Observation
from expert.tui.app import TorchmedicApp
from expert.tui.examining import FixedKnowledge, OnEvent, OnOutput, RunningExamination
from expert.tui.outcome import Subject
from expert.tui.patients import built_in_patients, patient_called
from expert.tui.screens.asking import AskingScreen
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
        async with app.run_test(size=(100, 30)) as pilot:
            await reached_diagnosis(app, pilot)
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


@pytest.mark.slow
def test_a_probe_at_work_can_be_given_up_and_the_others_go_on() -> None:
    patients = built_in_patients()
    chosen = ("data", "learning_rate", "batch_size")
    running: list[ExaminationProcess] = []

    def on_event(event: Mapping[str, Any]) -> None:
        if event.get("id") == "learning_rate" and event.get("status") == "running":
            running[0].skip()

    running.append(
        ExaminationProcess(patients[0].spec, budget=60.0, only=chosen, on_event=on_event)
    )
    examined = running[0].run()
    ended = {inquiry.id: inquiry for inquiry in examined.inquiries}
    assert ended["learning_rate"].status == "skipped"
    assert ended["learning_rate"].reason == Text("you skipped it", "您跳过了它")
    assert ended["data"].status == ended["batch_size"].status == "done"
    assert not examined.cancelled


async def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def reached_diagnosis(app: TorchmedicApp, pilot: Pilot[int]) -> None:
    end = time.monotonic() + 120.0
    while not isinstance(app.screen, DiagnosisScreen):
        if isinstance(app.screen, AskingScreen):  # two probes alone need not make it clear
            await pilot.press("d")
        else:
            assert isinstance(app.screen, ExaminationScreen), f"ended in {app.screen}"
        assert time.monotonic() < end, "the examination did not end"
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
