"""The screens, driven by keys and mouse as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import RichLog, TabbedContent

from expert.errors import UsageError, UserCodeError
from expert.knowledge.loader import Knowledge, load_knowledge
from expert.language import Text
from expert.tui import strings
from expert.tui.screens.asking import AskingScreen
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.screens.help import HelpScreen
from expert.tui.screens.problem import ProblemScreen
from expert.tui.screens.start import StartMenu, StartScreen
from expert.tui.widgets.case_input import PlaceInput
from expert.tui.widgets.finding_detail import FindingDetail
from expert.tui.widgets.finding_list import FindingList
from expert.tui.widgets.fix_card import CopyLabel, FixCard
from expert.tui.widgets.panes import PatientList
from tests.expert.tui import made_up
from tests.expert.tui.driving import (
    details,
    drive,
    on,
    prose,
    ranks,
    reads,
    search,
    seen,
    sees,
    wait_for,
)
from tests.expert.tui.made_up import HEALTHY, PATIENTS, SICK, START, MadeUp, running, script


async def past_the_questions(pilot: Pilot[int]) -> None:
    """Answer nothing: a case without a clear finding leads to the questions first."""
    await on(pilot, AskingScreen)
    await pilot.press("d")
    await on(pilot, DiagnosisScreen)


# --------------------------------------------------------------------------------- start
def test_the_patients_are_listed_with_their_story() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await sees(pilot, PATIENTS[0].title.en)
        await reads(pilot, "#story-text", "[bold]2.30[/]")  # never taken as markup
        await pilot.press("enter", "j")
        await reads(pilot, "#story-text", PATIENTS[1].story.en)

    drive(made_up.app(MadeUp()), steps)


def test_enter_examines_the_patient() -> None:
    examination = MadeUp([START], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("5", "j", "enter")
        await on(pilot, ExaminationScreen)
        await wait_for(pilot, lambda: examination.specs == [PATIENTS[1].spec], "the examination")

    drive(made_up.app(examination), steps)


def test_a_click_examines_the_patient() -> None:
    examination = MadeUp([START], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await sees(pilot, PATIENTS[1].title.en)
        await pilot.click(PatientList, offset=(5, 1))
        await on(pilot, ExaminationScreen)
        await wait_for(pilot, lambda: examination.specs == [PATIENTS[1].spec], "the examination")

    drive(made_up.app(examination), steps)


def test_a_place_is_completed_with_tab_and_examined_with_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("def case(): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    examination = MadeUp([START], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await search(pilot, "t", "r")
        field = pilot.app.screen.query_one("#case-field-input", PlaceInput)
        for complete in ("train.py", "train.py:case"):
            await wait_for(pilot, lambda c=complete: field._suggestion == c, complete)  # type: ignore[misc]
            await pilot.press("tab")
            assert field.value == complete
        await pilot.press("enter")
        await on(pilot, AskingScreen)  # what a person has seen comes before the examination
        await sees(pilot, "Skip")
        await pilot.press("enter")
        await on(pilot, ExaminationScreen)
        await wait_for(pilot, lambda: examination.specs == ["train.py:case"], "the examination")

    drive(made_up.app(examination), steps)


def test_a_wrong_place_is_explained_at_once_and_nothing_runs() -> None:
    examination = MadeUp()

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await search(pilot, *"nowhere.py:case", "enter")
        await sees(pilot, "no file nowhere.py")
        assert examination.specs == []

    drive(made_up.app(examination), steps)


def test_letters_typed_into_the_field_are_not_taken_as_commands() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await search(pilot, *"qlt?")
        assert pilot.app.screen.query_one("#case-field-input", PlaceInput).value == "qlt?"
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, StartMenu)

    drive(made_up.app(MadeUp()), steps)


# --------------------------------------------------------------------------- examination
def test_findings_and_output_appear_while_probes_still_run() -> None:
    events = [*script(SICK)[:5], running("learning_rate", 0.4)]
    examination = MadeUp(events, output="loss [red]2.3[/]\nstep\r 50%\r100%\nno end", waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await ranks(pilot, "Rectified")
        log = pilot.app.screen.query_one("#output", RichLog)
        assert [line.text.rstrip() for line in log.lines] == ["loss [red]2.3[/]", "100%"]
        await sees(pilot, "✓ The input data")
        await sees(pilot, "waiting")
        assert examination.running == 1

    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_stopping_tells_what_is_known_and_says_that_it_is_provisional() -> None:
    examination = MadeUp(script(SICK)[:5], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await ranks(pilot, "Rectified")
        await pilot.press("s")
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "2 of 4 probes")
        assert pilot.app.screen.query_one(FindingList).finding is not None

    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_escape_ends_the_examination_and_goes_back() -> None:
    examination = MadeUp([START], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await pilot.press("escape")
        await on(pilot, StartScreen)
        await wait_for(pilot, lambda: examination.running == 0, "the end of the child")
        assert len(pilot.app.screen_stack) == 1  # nothing came up afterwards

    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_quitting_ends_the_examination() -> None:
    examination = MadeUp([START], waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await wait_for(pilot, lambda: examination.running == 1, "the start of the child")
        await pilot.press("q")

    drive(made_up.app(examination, spec="train.py:case"), steps)
    assert examination.cancelled.is_set()


def test_help_that_is_open_does_not_swallow_the_end_of_the_examination() -> None:
    examination = MadeUp(script(SICK), waits=True)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ExaminationScreen)
        await pilot.press("question_mark")
        await on(pilot, HelpScreen)
        examination.cancelled.set()
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(examination, spec="train.py:case"), steps)


# ------------------------------------------------------------------------------ problems
def test_the_users_own_error_is_shown_with_its_traceback_and_can_be_copied() -> None:
    traceback = 'Traceback:\n  File "train.py", line 3\nTypeError: [red]no[/red]'
    error = UserCodeError(en="case() raised TypeError.", zh="出错。", traceback=traceback)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, "TypeError: [red]no[/red]")
        await pilot.press("y")
        assert pilot.app.clipboard == f"case() raised TypeError.\n\n{traceback}"
        await pilot.press("escape")
        await on(pilot, StartScreen)

    drive(made_up.app(MadeUp([START], error=error), spec="train.py:case"), steps)


def test_a_loss_that_raised_without_a_finding_is_shown_as_the_users_own_error() -> None:
    refusal = UserCodeError(en="The loss function failed.", zh="损失函数运行失败。")

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, "The loss function failed.")

    drive(made_up.app(MadeUp(script(HEALTHY), refusal=refusal), spec="train.py:case"), steps)


def test_a_loss_that_raised_with_a_finding_is_diagnosed() -> None:
    refusal = UserCodeError(en="The loss function failed.", zh="损失函数运行失败。")

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)

    drive(made_up.app(MadeUp(script(SICK), refusal=refusal), spec="train.py:case"), steps)


def test_a_problem_can_be_tried_again() -> None:
    examination = MadeUp([START], error=UsageError(en="It returned None.", zh="返回了 None。"))

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        examination.error, examination.events = None, script(HEALTHY)
        await pilot.press("r")
        await past_the_questions(pilot)
        assert examination.specs == ["train.py:case"] * 2

    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_a_mistake_of_ours_is_owned_and_does_not_end_the_program() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, strings.PROBLEM_OURS.en)
        await sees(pilot, "ZeroDivisionError")

    drive(made_up.app(MadeUp(error=ZeroDivisionError("oops")), spec="train.py:case"), steps)


def test_what_a_long_traceback_ends_with_is_in_view_and_its_start_a_scroll_away() -> None:
    frames = "".join(f'  File "train.py", line {n}, in f{n}\n' for n in range(200))
    traceback = f"Traceback (most recent call last):\n{frames}ValueError: the true mistake\n"
    error = UserCodeError(en="case() raised.", zh="case() 抛出异常。", traceback=traceback)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, "ValueError: the true mistake")
        await pilot.press("tab", "home")
        await sees(pilot, "Traceback (most recent call last)")

    drive(made_up.app(MadeUp(error=error), spec="train.py:case"), steps)


def test_rules_with_mistakes_are_explained_with_their_line(tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text("cause: x\nbogus: 1\n", encoding="utf-8")

    def load() -> Knowledge:
        return load_knowledge(pack, built_in=False)

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, ProblemScreen)
        await sees(pilot, strings.PROBLEM_KNOWLEDGE.en)
        await sees(pilot, "mine.yaml:2")

    drive(made_up.app(MadeUp(), load=load), steps, (140, 40))


# ----------------------------------------------------------------------------- diagnosis
def test_the_root_cause_comes_first_with_its_consequence_below_and_suspects_last() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await sees(pilot, "The input is not normalised")
        text = seen(pilot)
        rows = [
            text.index("The learning rate is too high"),
            text.index("└ Rectified units are dead"),
            text.index("because of: The learning rate"),
            text.index("Suspected"),
            text.index("The input is not normalised"),
        ]
        assert rows == sorted(rows)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (140, 40))


def test_a_finding_is_told_with_evidence_values_layers_fixes_and_sources() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(pilot, lambda: "The rate" in details(pilot), "the details")
        told = details(pilot)
        assert "The rate is 12.5 times the largest stable one." in told
        assert "learning_rate.over_largest_stable = 12.5" in told
        assert "follows from The loss grows instead of falling" in told
        assert "A Recipe for Training, 6: set the learning rate" in told
        assert len(pilot.app.screen.query(FixCard)) == 2
        await pilot.press("j")
        await wait_for(pilot, lambda: "net.2: 0.75" in details(pilot), "the layers")

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


def test_y_copies_the_first_fix_and_on_another_fix_that_one() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(pilot, lambda: len(pilot.app.screen.query(FixCard)) == 2, "the fixes")
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("optimizer = torch.optim.SGD")
        pilot.app.screen.query(FixCard).last().focus()
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("torch.nn.utils.clip_grad_norm_")

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


def test_a_click_on_copy_copies() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await wait_for(pilot, lambda: len(pilot.app.screen.query(CopyLabel)) == 2, "the fixes")
        await pilot.click(pilot.app.screen.query(CopyLabel).last())
        assert pilot.app.clipboard.startswith("torch.nn.utils.clip_grad_norm_")

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, (140, 40))


def test_copying_where_there_is_no_code_says_so() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await pilot.press("j")
        await wait_for(pilot, lambda: "net.2" in details(pilot), "the second finding")
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == ""
        assert [n.message for n in pilot.app._notifications] == [strings.NOTHING_TO_COPY.en]

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


def test_a_healthy_case_is_told_calmly_with_what_was_checked() -> None:
    reason = Text("there is no optimizer", "没有优化器")
    events = [*script(HEALTHY)[:-2], made_up.ended("own_rate", status="skipped", reason=reason)]

    async def steps(pilot: Pilot[int]) -> None:
        await past_the_questions(pilot)
        await wait_for(pilot, lambda: details(pilot) != "", "the details")
        told = details(pilot)
        assert "✓ No fault found" in told
        assert "✓ The input data" in told
        assert "– A short run at your own settings: there is no optimizer" in told
        assert "Causes ruled out: 2." in told

    drive(made_up.app(MadeUp(events), spec="train.py:case"), steps)


def test_the_tabs_tell_the_rest() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await past_the_questions(pilot)
        for key, words in (
            ("3", "No symptoms were seen."),
            ("4", "Nearly all units react to some sample."),
            ("5", "activation.dead_share"),
            ("6", "Learning rate, by a sweep"),
            ("7", "printed by the user"),
        ):
            await pilot.press(key)
            await sees(pilot, words)
        await pilot.press("escape")
        assert pilot.app.screen.query_one(TabbedContent).active == "findings"

    examination = MadeUp(script(HEALTHY), output="printed by the user\n")
    drive(made_up.app(examination, spec="train.py:case"), steps)


def test_enter_goes_into_the_finding_and_escape_steps_back_out() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, FindingDetail)
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, FindingList)
        await pilot.press("escape")
        await on(pilot, StartScreen)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


def test_r_examines_again() -> None:
    examination = MadeUp(script(SICK))

    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        first = pilot.app.screen
        await pilot.press("r")
        await wait_for(pilot, lambda: pilot.app.screen is not first, "another screen")
        await on(pilot, DiagnosisScreen)
        assert examination.specs == ["train.py:case"] * 2

    drive(made_up.app(examination, spec="train.py:case"), steps)


# -------------------------------------------------------------------- language, help, size
def test_the_language_switches_live_and_the_selection_stays() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await pilot.press("j", "l")
        await wait_for(pilot, lambda: "ReLU 单元死亡" in details(pilot), "Chinese")
        await sees(pilot, "诊断")
        await sees(pilot, "试一试")
        assert "Rectified" not in seen(pilot)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_explains_the_screen_and_its_keys(language: str) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        await pilot.press("question_mark")
        await on(pilot, HelpScreen)
        text = prose(pilot, "#help-text")
        assert strings.DIAGNOSIS_HELP.get(language) in text  # type: ignore[arg-type]
        assert strings.key_description("Copy fix", language) in text  # type: ignore[arg-type]
        await pilot.press("escape")
        await on(pilot, DiagnosisScreen)

    app = made_up.app(MadeUp(script(SICK)), spec="train.py:case", language=language)  # type: ignore[arg-type]
    drive(app, steps)


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (40, 12)])
def test_every_key_in_the_footer_is_translated(size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, DiagnosisScreen)
        shown = [a.binding for a in pilot.app.screen.keys.values() if a.binding.show]  # type: ignore[attr-defined]
        assert {b.description for b in shown} <= set(strings.KEY_DESCRIPTIONS)

    drive(made_up.app(MadeUp(script(SICK)), spec="train.py:case"), steps, size)


def test_the_palette_offers_the_commands_in_the_language() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("ctrl+p")
        await sees(pilot, "切换明暗")

    drive(made_up.app(MadeUp(), language="zh"), steps)


def test_light_and_dark_switch() -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await on(pilot, StartScreen)
        await pilot.press("ctrl+t")
        assert not pilot.app.current_theme.dark
        await pilot.press("ctrl+t")
        assert pilot.app.current_theme.dark

    drive(made_up.app(MadeUp()), steps)
