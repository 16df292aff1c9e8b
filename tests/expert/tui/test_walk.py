"""The walk: what you see, examination, questions, diagnosis, trial, re-check, comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from expert.tui.screens.asking import AskingScreen
from expert.tui.screens.compare import CompareScreen
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.screens.explanation import ExplanationScreen
from expert.tui.screens.export import ExportDialog
from expert.tui.screens.problem import ProblemScreen
from expert.tui.screens.start import StartScreen
from expert.tui.screens.trial import TrialScreen
from expert.tui.screens.what_if import WhatIfScreen
from expert.tui.sessions.store import SessionStore
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, on, ranks, search, sees, wait_for
from tests.expert.tui.made_up import HEALTHY, SICK, START, MadeUp, MadeUpTrials, script

TRIAL = "rate-tenth"


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "sessions")


# ------------------------------------------------------------------------------ questions
def test_only_symptoms_asks_one_question_at_a_time_and_the_ranking_moves(
    store: SessionStore,
) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, AskingScreen)
        await sees(pilot, "What does the training loss do?")
        await sees(pilot, "Each picture has its own causes.")
        await sees(pilot, "⠤")  # a drawn curve
        await pilot.press("2")
        await sees(pilot, "Did you scale the inputs?")
        await ranks(pilot, "The learning rate is too high")
        await pilot.press("2")
        await ranks(pilot, "The input is not normalised")
        await sees(pilot, "Nothing more is worth asking")
        await pilot.press("enter")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "You saw the loss rise.")
        saved = store.listed()[0]
        await wait_for(pilot, lambda: store.listed()[0].complete, "the saved session")
        assert saved.answers == 2

    drive(made_up.app(MadeUp(), spec="", kind="symptoms", store=store), steps, (100, 30))


def test_an_answer_can_be_taken_back_and_changed(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "What does the training loss do?")
        await pilot.press("2")
        await ranks(pilot, "The learning rate is too high")
        await pilot.press("b")
        await sees(pilot, "What does the training loss do?")
        await ranks(pilot, "No cause stands out")
        await pilot.press("2")
        await sees(pilot, "Did you scale the inputs?")
        await pilot.press("c")
        await sees(pilot, "Choose the answer to change")
        await pilot.press("enter")
        await sees(pilot, "← present")
        await pilot.press("1")
        await ranks(pilot, "No cause stands out")

    drive(made_up.app(MadeUp(), spec="", kind="symptoms", store=store), steps, (100, 30))


def test_i_dont_know_concludes_nothing(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "I don't know")
        await pilot.press("3")
        await sees(pilot, "I have no idea")  # the words of the question itself
        await pilot.press("3")
        await sees(pilot, "Nothing more is worth asking")
        await ranks(pilot, "No cause stands out")

    drive(made_up.app(MadeUp(), spec="", kind="symptoms", store=store), steps)


def test_answers_alone_that_point_to_nothing_are_told_calmly(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "What does the training loss do?")
        await pilot.press("1")
        await sees(pilot, "Did you scale the inputs?")
        await pilot.press("1", "d")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "Nothing that is known so far points to a fault")

    drive(made_up.app(MadeUp(), spec="", kind="symptoms", store=store), steps, (120, 30))


def test_a_case_without_a_clear_finding_leads_to_questions() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, AskingScreen)
        await pilot.press("d")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "No fault found")
        await pilot.press("a")
        await on(pilot, AskingScreen)

    drive(made_up.app(MadeUp(script(HEALTHY)), spec="train.py:case"), steps)


# ----------------------------------------------------------------- trial, re-check, compare
def trials(*, cured: bool = True, error: Exception | None = None) -> MadeUpTrials:
    events = [
        {"event": "trial", "id": id_, "status": "running", "progress": 0.5, "run": 0, "train": t}
        for id_, t in (("baseline", [[0, 2.3], [1, None]]), (TRIAL, [[0, 2.3], [1, 1.0]]))
    ]
    results = {TRIAL: made_up.trial_result(TRIAL, cured=cured)}
    return MadeUpTrials(events, results, error)


def test_a_fix_is_tried_and_the_treated_copy_examined_and_compared(store: SessionStore) -> None:
    examination, tried = MadeUp(script(SICK)), trials()

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(
            pilot, lambda: pilot.app.screen.check_action("try_fix", ()) is True, "the diagnosis"
        )
        await pilot.press("t")
        await on(pilot, TrialScreen)
        await sees(pilot, "It heals.")
        await sees(pilot, "with the fix")
        await sees(pilot, "as it is")
        assert tried.tried == [(TRIAL,)]
        examination.events = script(HEALTHY)
        await pilot.press("c")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "c compares the two")
        assert examination.treated[-1] == (TRIAL,)
        await pilot.press("c")
        await on(pilot, CompareScreen)
        await sees(pilot, "Cured: no fault is found any more.")
        await sees(pilot, "run.diverged  True → False")
        await pilot.press("escape")
        await on(pilot, DiagnosisScreen)

    app = made_up.app(examination, spec="train.py:case", trials=tried, store=store)
    drive(app, steps, (110, 40))


def test_a_trial_that_helped_is_evidence_in_the_diagnosis(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("t")
        await sees(pilot, "It heals.")
        await pilot.press("escape")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "was tried on a copy and helped")

    app = made_up.app(MadeUp(script(SICK)), spec="train.py:case", trials=trials(), store=store)
    drive(app, steps, (140, 60))


def test_a_trial_in_vain_says_so_and_a_failing_one_is_explained(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("t")
        await sees(pilot, "It does not help.")
        assert pilot.app.screen.check_action("recheck", ()) is None
        tried.error = ZeroDivisionError("oops")
        await pilot.press("enter")
        await on(pilot, ProblemScreen)
        await pilot.press("escape")
        await on(pilot, TrialScreen)

    tried = trials(cured=False)
    app = made_up.app(MadeUp(script(SICK)), spec="train.py:case", trials=tried, store=store)
    drive(app, steps, (110, 40))


# ------------------------------------------------------------------------ looking things up
def test_how_and_why_not_are_trees_down_to_the_values() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("h")
        await on(pilot, ExplanationScreen)
        await sees(pilot, "over_largest_stable > 1  → 12.5")
        await search(pilot, *"labels")
        await sees(pilot, "diverges-too")
        await sees(pilot, "✗")
        await pilot.press("escape", "escape")
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (120, 40))


def test_what_if_shows_what_would_change_and_changes_nothing(store: SessionStore) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("w")
        await on(pilot, WhatIfScreen)
        await search(pilot, *"largest_stable", "enter")
        await sees(pilot, "is 12.5")
        pilot.app.screen.query_one("#new-value", Input).focus()
        await pilot.press(*"0.5", "enter")
        await sees(pilot, "If it were 0.5")
        await sees(pilot, "▼ The learning rate is too high")
        await pilot.press("escape", "escape")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "The rate is 12.5 times")

    app = made_up.app(MadeUp(script(SICK)), spec="train.py:case", store=store)
    drive(app, steps, (120, 40))


# --------------------------------------------------------------------------------- export
@pytest.mark.parametrize(
    ("downs", "name", "words"),
    [
        (0, "diagnosis.md", "The learning rate is too high"),
        (1, "diagnosis.html", "<html"),
        (2, "diagnosis.json", '"schema"'),
        (3, "diagnosis.txt", "The learning rate is too high"),
    ],
)
def test_the_diagnosis_is_exported(
    downs: int, name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("x")
        await on(pilot, ExportDialog)
        await pilot.press(*["down"] * downs)
        await sees(pilot, name)
        await pilot.press("enter")
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (100, 30))
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert words in text
    if name.endswith(".json"):
        assert json.loads(text)["findings"][0]["cause"] == "learning-rate-too-high"


def test_a_place_that_cannot_be_written_is_explained_and_may_be_changed(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        await pilot.press("x")
        await on(pilot, ExportDialog)
        pilot.app.screen.query_one("#path", Input).value = str(tmp_path / "nowhere" / "x.md")
        await pilot.press("enter")
        await sees(pilot, "✗")
        await pilot.press("escape")
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (140, 30))


# -------------------------------------------------------------------------- skip a probe
def test_the_probe_at_work_can_be_skipped() -> None:
    examination = MadeUp([START, made_up.running("data", 0.3)], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await wait_for(pilot, lambda: examination.running == 1, "the child")
        await sees(pilot, "━")
        await pilot.press("n")
        await wait_for(pilot, lambda: examination.skipped == 1, "the skip")

    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_every_screen_above_the_start_leads_back_to_it() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        for key in ("h", "w", "x", "ctrl+k", "question_mark"):
            await pilot.press(key)
            await wait_for(
                pilot, lambda: not isinstance(pilot.app.screen, DiagnosisScreen), "a screen"
            )
            await pilot.press("escape")
            await on(pilot, DiagnosisScreen)
        await pilot.press("escape")
        await on(pilot, StartScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (120, 40))
