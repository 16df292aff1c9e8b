"""The knowledge browser and its editor, logs, watched scripts, and the real services of both."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from expert.errors import UsageError
from expert.knowledge.found import LiveKnowledge
from expert.observation import Observation
from expert.tui.screens.asking import AskingScreen
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.editor import EditorScreen
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.screens.knowledge import KnowledgeScreen
from expert.tui.screens.problem import ProblemScreen
from expert.tui.screens.start import StartScreen
from expert.tui.screens.watch import WatchScreen
from expert.tui.watching import Watched, WatchProcess
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, on, search, seen, sees, wait_for
from tests.expert.tui.made_up import CAUSE, SICK, MadeUp, MadeUpScript, script

MINE = """\
cause: my-own-cause
title: {en: "My own cause", zh: "我自己的原因"}
explanation: {en: "It is mine.", zh: "是我的。"}
evidence:
  - rule: it-diverged
    when: {fact: run.diverged, is: true}
    certainty: 0.8
    reason: {en: "It diverged.", zh: "发散了。"}
tests:
  - name: speaks when it diverges
    given: {run.diverged: true}
    expect: [my-own-cause]
"""


# ------------------------------------------------------------------------------ knowledge
def test_everything_can_be_searched_and_what_fired_is_marked() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The rate is 12.5 times")
        await pilot.press("ctrl+k")
        await on(pilot, KnowledgeScreen)
        await sees(pilot, "● The learning rate is too high")
        await sees(pilot, "fired in this case: +0.90")
        await search(pilot, *"死亡")  # searched in both languages
        await wait_for(pilot, lambda: "The learning rate" not in seen(pilot), "the search")
        await sees(pilot, "Rectified units are dead")
        await pilot.press("escape", "right_square_bracket", "right_square_bracket")
        await search(pilot, *["backspace"] * 2, *"dead", "enter")
        await sees(pilot, "Provided by probe:activations")
        await pilot.press("escape")
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (120, 40))


def test_an_edited_rule_is_checked_tested_and_the_diagnosis_made_anew(tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text(MINE, encoding="utf-8")
    observations = (*SICK[:3], Observation("run.diverged", True, origin="probe:own_rate"))

    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "My own cause")
        await pilot.press("ctrl+k")
        await on(pilot, KnowledgeScreen)
        await search(pilot, *"my own", "enter")
        await sees(pilot, "It is mine.")
        await pilot.press("e")
        await on(pilot, EditorScreen)
        area = pilot.app.screen.query_one(TextArea)
        good = area.text
        area.text = good.replace("certainty:", "certanty:")
        await pilot.press("ctrl+s")
        await sees(pilot, "7: unknown key 'certanty'")
        area.text = good.replace("expect: [my-own-cause]", "silent: [my-own-cause]")
        await pilot.press("ctrl+s")
        await sees(pilot, "rule tests fail")
        await sees(pilot, "speaks when it diverges")
        area.text = good.replace("fact: run.diverged", "fact: run.divergd")
        await pilot.press("ctrl+s")
        await sees(pilot, "6: ")
        area.text = good.replace("certainty: 0.8", "certainty: 0.99")
        await pilot.press("ctrl+s")
        await sees(pilot, "1 rule tests pass")
        await sees(pilot, "has no evidence against it")
        assert "0.99" in pack.read_text(encoding="utf-8")
        await pilot.press("escape")
        await on(pilot, KnowledgeScreen)
        while not isinstance(pilot.app.screen, DiagnosisScreen):
            await pilot.press("escape")
        await sees(pilot, "0.99")

    app = made_up.app(
        MadeUp(script(observations)), spec="train.py:case", source=lambda: LiveKnowledge(pack)
    )
    drive(app, steps, (120, 40))


def test_unsaved_changes_are_not_lost_by_one_key(tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text(MINE, encoding="utf-8")

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.app.push_screen(EditorScreen(str(pack), 5, "my-own-cause"))
        await on(pilot, EditorScreen)
        area = pilot.app.screen.query_one(TextArea)
        assert area.cursor_location[0] == 4
        await pilot.press("x", "escape")
        assert isinstance(pilot.app.screen, EditorScreen)
        await pilot.press("escape")
        await on(pilot, StartScreen)
        assert pack.read_text(encoding="utf-8") == MINE

    drive(made_up.app(MadeUp()), steps)


# ----------------------------------------------------------------------------------- logs
def test_a_log_is_read_and_its_curves_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{n},{2.3 + 0.1 * n},{2.3 + 0.2 * n}" for n in range(40)]
    (tmp_path / "metrics.csv").write_text("\n".join(["step,loss,val_loss", *rows]))
    monkeypatch.chdir(tmp_path)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("3", *"metrics.csv", "enter")
        await on(pilot, AskingScreen)
        await pilot.press("d")
        await on(pilot, DiagnosisScreen)
        await pilot.press("2")
        await sees(pilot, "Curves of the log")
        await sees(pilot, "val_loss")

    drive(made_up.app(MadeUp()), steps, (100, 30))


def test_a_log_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)

    drive(made_up.app(MadeUp(), spec=str(empty), kind="log"), steps)


# -------------------------------------------------------------------------------- scripts
def test_a_watched_script_shows_its_loss_and_the_suspicion_then_the_diagnosis() -> None:
    events = [
        {"event": "progress", "step": n, "loss": 2.0 + n, "steps_per_second": 10} for n in range(30)
    ]
    watched = Watched(0, SICK)
    layers = {"activation.dead_share": {"net.0": 0.0, "net.2": 0.75}}
    told = [{"event": "suspicion", "causes": [CAUSE]}, {"event": "layers", "facts": layers}]
    run = MadeUpScript([*events, *told], watched)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, WatchScreen)
        await sees(pilot, "step 29")
        await sees(pilot, "train.py:7")
        await sees(pilot, "epoch [red]1")
        await sees(pilot, "Dead units per layer")
        await sees(pilot, "75 %")
        run.looked_at.set()
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "The rate is 12.5 times")
        assert run.commands == [["train.py", "--name", "a b"]]

    app = made_up.app(MadeUp(), spec="train.py --name 'a b'", kind="script", watch=run)
    drive(app, steps, (100, 30))


def test_a_script_that_does_not_train_is_explained_with_what_it_printed() -> None:
    run = MadeUpScript(watched=Watched(3))
    run.looked_at.set()

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, "status 3")
        await sees(pilot, "epoch [red]1")

    drive(made_up.app(MadeUp(), spec="train.py", kind="script", watch=run), steps)


TRAINING = """
import torch
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(60):
    x = torch.randn(8, 4)
    loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("trained", step)
"""


@pytest.mark.slow
def test_a_real_script_is_watched_in_a_child_process(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAINING, encoding="utf-8")
    events: list[Mapping[str, Any]] = []
    output: list[str] = []
    run = WatchProcess(
        [str(tmp_path / "train.py")], on_event=events.append, on_output=output.append
    )
    watched = run.run()
    assert watched.status == 0
    assert watched.observations
    assert {"start", "end"} <= {event["event"] for event in events}
    assert "trained 59" in "".join(output)


# --------------------------------------------------------------------------------- limits
def hostile() -> tuple[Observation, ...]:
    names = tuple(f"[bold]слой.{n}[/] שלום 🧠" for n in range(5_000))
    return (
        Observation("input.mean_over_std", 1e308, origin="probe:data"),
        Observation("activation.dead_share", (1.0,) * 5_000, names, "probe:activations"),
        Observation("learning_rate.over_largest_stable", 10**300, origin="probe:learning_rate"),
        Observation("run.diverged", True, origin="[link]evil[/link]"),
    )


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (200, 60)])
def test_five_thousand_layers_with_hostile_names_are_shown_in_any_size(
    size: tuple[int, int],
) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(
            pilot,
            lambda: pilot.app.screen.reasoned is not None,
            "the diagnosis",  # type: ignore[attr-defined]
        )
        for key in ("1", "2", "3", "4", "5", "6"):
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("escape", "h")
        await pilot.pause()
        await pilot.press("escape", "escape", "w")
        await pilot.pause()
        await pilot.press("escape", "escape", "ctrl+k")
        await pilot.pause()
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        await pilot.resize_terminal(120, 40)
        await pilot.pause()

    drive(made_up.app(MadeUp(script(hostile())), spec="[red]x\u202e.py:case"), steps, size)


@pytest.mark.parametrize("size", [(20, 5), (40, 12)])
def test_every_pane_of_the_start_and_the_questions_bear_a_tiny_terminal(
    size: tuple[int, int],
) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        for key in ("1", "escape", "2", "escape", "3", "escape", "5", "6", "4"):
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("enter")
        await on(pilot, AskingScreen)
        await pilot.press("2")
        await pilot.pause()
        await pilot.resize_terminal(200, 70)
        await pilot.pause()

    drive(made_up.app(MadeUp()), steps, size)


def test_without_colour_everything_can_still_be_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(pilot: Pilot[int]) -> None:
        await sees(pilot, "The learning rate is too high")
        assert pilot.app.no_color
        await sees(pilot, "━")
        await sees(pilot, "+0.90")

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


@pytest.mark.parametrize("words", [["nowhere.py"], [sys.executable, "-c", "'"]])
def test_what_cannot_be_watched_is_told(words: list[str], tmp_path: Path) -> None:
    from expert.tui.command_place import script_problem

    problem = script_problem(" ".join(words))
    if words[0] == "nowhere.py":
        assert problem is not None
        assert "nowhere.py" in problem.en
    else:
        assert problem is not None
        assert "quotation" in problem.en


def test_an_examination_cancelled_before_it_began_ends_quietly() -> None:
    examination = MadeUp([], error=UsageError(en="no", zh="不"), waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await pilot.press("escape")
        await on(pilot, StartScreen)

    drive(made_up.app(examination, spec="train.py:case"), steps)
