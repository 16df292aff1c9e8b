"""Sessions on the disk: whole, atomic, listed, continued, compared; a kill loses nothing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from expert.language import Text
from expert.observation import Observation
from expert.tui.outcome import Kind, Subject
from expert.tui.progress import ProbeState
from expert.tui.screens.compare import CompareScreen
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.screens.problem import ProblemScreen
from expert.tui.screens.start import StartScreen
from expert.tui.sessions.curves import MOST, append, thinned
from expert.tui.sessions.session import Session
from expert.tui.sessions.store import Saver, SessionStore
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, on, sees, wait_for
from tests.expert.tui.made_up import HEALTHY, SICK, MadeUp, script


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "sessions")


def full_session() -> Session:
    return Session(
        Subject("train.py:case", Text("[b]شبكة 🧠", "网络"), "case"),
        measured=(*SICK, Observation("loss.initial", math.nan), Observation("big", 10**40)),
        probes=(
            ProbeState("data", Text("The input data", "输入数据"), status="done", seconds=1.5),
            ProbeState("labels", Text("Labels", "标签"), status="running", progress=0.5),
        ),
        answers=(("what-the-loss-does", "rises"), ("scaled", None)),
        trials={"rate-tenth": {"tried": True, "after": 0.1}},
        curves={"trial:baseline": [(0.0, 2.3), (1.0, math.inf)]},
        output=("loss 2.3", "\x1b[31mred"),
        complete=True,
        treated=("rate-tenth",),
        follows="abc",
        headline=Text("The rate", "学习率"),
        certainty=0.95,
    )


def test_a_session_comes_back_as_it_was(store: SessionStore) -> None:
    session = full_session()
    store.save(session)
    back = store.read(session.id)
    assert repr(back.measured) == repr(session.measured)  # NaN equals nothing
    assert [probe.status for probe in back.probes] == ["done", "waiting"]  # none is at work now
    for name in ("subject", "answers", "trials", "curves", "output", "complete", "treated"):
        assert getattr(back, name) == getattr(session, name), name
    assert (back.follows, back.headline, back.certainty) == ("abc", session.headline, 0.95)


def test_the_newest_session_is_listed_first_with_what_was_found(store: SessionStore) -> None:
    old, new = full_session(), full_session()
    store.save(old)
    os.utime(store.folder / f"{old.id}.jsonl", (1.0, 1.0))
    store.save(new)
    listed = store.listed()
    assert [saved.id for saved in listed] == [new.id, old.id]
    assert (listed[0].certainty, listed[0].answers, listed[0].trials) == (0.95, 2, 1)


@pytest.mark.parametrize("text", ["", "{", "[]\n[]", '{"subject": 3}\n', "\x00", '{"id": "x"}\n{}'])
def test_a_broken_file_is_listed_with_what_is_wrong_and_never_in_the_way(
    text: str, store: SessionStore
) -> None:
    good = full_session()
    store.save(good)
    (store.folder / "broken.jsonl").write_text(text, encoding="utf-8")
    problems = {saved.id: saved.problem for saved in store.listed()}
    assert problems[good.id] == ""
    assert problems["broken"]
    with pytest.raises(ValueError, match=r"."):
        store.read("broken")


def test_nothing_is_left_of_a_write_that_fails(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = full_session()
    store.save(session)

    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        store.save(session)
    monkeypatch.undo()
    assert [path.name for path in store.folder.iterdir()] == [f"{session.id}.jsonl"]
    assert store.read(session.id).answers == session.answers


def test_the_saver_keeps_the_newest_state_and_reports_errors_once(tmp_path: Path) -> None:
    errors: list[OSError] = []
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    saver = Saver(SessionStore(blocked), errors.append)
    saver.save(full_session())
    saver.flush()
    assert errors
    store = SessionStore(tmp_path / "good")
    saver, session = Saver(store, errors.append), full_session()
    for n in range(50):
        session.answers = (("question", str(n)),)
        saver.save(session)
    saver.flush()
    assert store.read(session.id).answers == (("question", "49"),)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    curve: list[tuple[float, float]] = []
    for n in range(100_000):
        append(curve, (float(n), float(n)))
    assert len(curve) <= 2 * MOST + 1
    assert (curve[0], curve[-1]) == ((0.0, 0.0), (99_999.0, 99_999.0))
    short = thinned([(float(n), 0.0) for n in range(5_000)])
    assert len(short) <= MOST + 1
    assert short[-1][0] == 4_999.0


KILLED = """
import sys
from pathlib import Path
from expert.tui.outcome import Kind, Subject
from expert.tui.sessions.session import Session
from expert.tui.sessions.store import Saver, SessionStore

def fail(error): raise error
session = Session(Subject("", kind="symptoms"), id="mine")
saver = Saver(SessionStore(Path(sys.argv[1])), fail)
session.output = tuple("x" * 2000 for _ in range(400))
for n in range(100_000):
    session.answers = (*session.answers[-50:], ("question", str(n)))
    saver.save(session)
    saver.flush()
    print(n, flush=True)
"""


def test_a_kill_at_any_moment_loses_no_answer_that_was_taken(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    for run in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(3 + 2 * run):
                last = child.stdout.readline()
            time.sleep(0.003 * run)  # somewhere in the middle of the next write
            child.send_signal(signal.SIGKILL)
            last = child.stdout.read().rpartition("\n")[0].rpartition("\n")[2] or last
        question, choice = store.read("mine").answers[-1]
        assert question == "question"
        assert int(choice or -1) >= int(last)


# --------------------------------------------------------------------------- in the interface
def test_every_step_is_saved_and_an_interrupted_examination_goes_on(store: SessionStore) -> None:
    interrupted = MadeUp(script(SICK)[:5], waits=True)

    async def first(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await wait_for(
            pilot, lambda: any(s.measured == 2 for s in store.listed()), "two saved observations"
        )

    drive(made_up.app(interrupted, spec="train.py:case", store=store), first)
    continued = MadeUp(
        [
            {**made_up.START, "probes": made_up.START["probes"][2:]},
            *script(SICK)[5:],
        ]
    )

    async def second(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("6")
        await sees(pilot, "train.py:case")
        await pilot.press("enter")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "The learning rate is too high")
        assert continued.only == [("learning_rate", "own_rate")]
        screen = pilot.app.screen
        assert isinstance(screen, DiagnosisScreen)
        assert [probe.status for probe in screen.session.probes] == ["done"] * 4

    drive(made_up.app(continued, store=store), second, (100, 30))


def test_two_marked_sessions_are_compared_the_earlier_one_first(store: SessionStore) -> None:
    for observations in (SICK, HEALTHY):
        session = Session(Subject("train.py:case"), measured=observations, complete=True)
        store.save(session)
        time.sleep(0.02)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("6")
        await sees(pilot, "train.py:case")
        await pilot.press("space", "down", "space")
        await on(pilot, CompareScreen)
        await sees(pilot, "Cured")

    drive(made_up.app(MadeUp(), store=store), steps, (100, 30))


def test_a_session_can_be_deleted_and_a_broken_one_does_not_open(store: SessionStore) -> None:
    store.save(Session(Subject("train.py:case"), measured=SICK, complete=True))

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("6")
        await sees(pilot, "train.py:case")
        path = next(store.folder.iterdir())
        head = path.read_text(encoding="utf-8").split("\n")[0]
        path.write_text(head + "\n{}\n", encoding="utf-8")
        await pilot.press("enter")
        await on(pilot, ProblemScreen)
        await sees(pilot, "cannot be read")
        await pilot.press("escape")
        await on(pilot, StartScreen)
        await pilot.press("d")
        await sees(pilot, "Nothing is saved yet.")
        assert list(store.folder.iterdir()) == []

    drive(made_up.app(MadeUp(), store=store), steps, (100, 30))


@pytest.mark.parametrize("kind", ["log", "script", "symptoms", "case"])
def test_a_complete_session_opens_on_its_diagnosis(kind: Kind, store: SessionStore) -> None:
    store.save(Session(Subject("gone.csv", kind=kind), measured=SICK, complete=True))

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("6")
        await sees(pilot, "just now")
        await pilot.press("enter")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "The learning rate is too high")

    drive(made_up.app(MadeUp(), store=store), steps, (100, 30))


def test_a_folder_that_cannot_be_written_is_told_and_does_not_stop_the_work(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(
            pilot,
            lambda: any("cannot be saved" in n.message for n in pilot.app._notifications),
            "the warning",
        )

    app = made_up.app(MadeUp(script(SICK)), spec="train.py:case", store=SessionStore(blocked))
    drive(app, steps)


def test_the_list_is_json_that_other_programs_can_read(store: SessionStore) -> None:
    session = full_session()
    store.save(session)
    lines = (store.folder / f"{session.id}.jsonl").read_text(encoding="utf-8").splitlines()
    head, body = (json.loads(line) for line in lines)
    assert head["id"] == body["id"] == session.id
    assert body["schema"] == "torchmedic.session/1"
