"""The start screen: a built-in patient, or the place of one's own case."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from expert.language import Language, Text
from expert.tui import strings
from expert.tui.case_place import completions, problem_with
from expert.tui.patients import Patient
from expert.tui.phrases import code, plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.widgets.case_input import CaseInput
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row

_SUGGESTIONS = 6


class PatientList(OptionList):
    """The built-in patients."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Examine"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]


class StartScreen(TalkingScreen):
    """Choose what is examined."""

    NAME = strings.START
    EXPLANATION = strings.START_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "own_case", "Own case"),
    ]
    AUTO_FOCUS = "PatientList"

    def __init__(self, patients: Sequence[Patient]) -> None:
        super().__init__()
        self._patients = patients
        self._problem: Text | None = None

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Vertical(id="own", classes="panel"):
            yield CaseInput(id="place-of-case")
            yield Prose(id="hint")
        with Horizontal(id="choice"):
            yield PatientList(id="patients", classes="panel", markup=False)
            with VerticalScroll(id="story", classes="panel"):
                yield Prose(id="story-text")
        yield Footer()

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language))
        self.query_one("#own").border_title = Content(strings.OWN_CASE.get(language))
        self.query_one("#patients").border_title = Content(strings.PATIENTS.get(language))
        self.query_one(CaseInput).placeholder = strings.OWN_CASE_PLACEHOLDER.get(language)
        self._list_patients(language)
        self._describe()
        self._hint()

    def _list_patients(self, language: Language) -> None:
        list_ = self.query_one(PatientList)
        before = list_.highlighted
        list_.clear_options()
        for patient in self._patients:
            list_.add_option(Option(Content(plain(patient.title.get(language))), id=patient.id))
        if not self._patients:
            text = Content.styled(strings.NO_PATIENTS.get(language), "$foreground 60%")
            list_.add_option(Option(text, disabled=True))
        list_.highlighted = (before or 0) if self._patients else None

    # -------------------------------------------------------------------- the right panel
    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._describe()

    @on(DescendantFocus)
    def _focused(self) -> None:
        self._describe()

    def _describe(self) -> None:
        """Tell the story of the patient, or how a case is written while its place is typed."""
        typing = self.query_one(CaseInput).has_focus or not self._patients
        language = self.medic.language
        panel, text = self.query_one("#story"), self.query_one("#story-text", Prose)
        title = strings.HOW_TO_WRITE if typing else strings.STORY
        panel.border_title = Content(title.get(language))
        text.show([row(_how_to_write(language) if typing else self._story(language))])

    def _story(self, language: Language) -> Content:
        index = self.query_one(PatientList).highlighted
        if index is None:
            return Content()
        patient = self._patients[index]
        return Content.assemble(
            (plain(patient.title.get(language)), "bold"),
            "\n\n",
            plain(patient.story.get(language).strip()),
            "\n\n",
            (strings.PRESS_ENTER.get(language), "italic $foreground 60%"),
        )

    # ------------------------------------------------------------------------- the field
    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._problem = None
        self._hint()
        self._suggest(event.value)

    @work(exclusive=True, group="suggest")
    async def _suggest(self, value: str) -> None:
        found = await asyncio.to_thread(completions, value) if value else []
        if self._problem is None and found:
            shown = "   ".join(plain(item) for item in found[:_SUGGESTIONS])
            more = " …" if len(found) > _SUGGESTIONS else ""
            self._say(Content.styled(shown + more, "$foreground 60%"))
        elif value and not found:  # nothing to add: either it is complete, or it is wrong
            self._problem = await asyncio.to_thread(problem_with, value)
            self._hint()

    def _hint(self) -> None:
        language = self.medic.language
        if self._problem is not None:
            self._say(Content.styled("✗ " + plain(self._problem.get(language)), "$text-error"))
        elif not self.query_one(CaseInput).value:
            self._say(Content.styled(strings.OWN_CASE_HINT.get(language), "$foreground 60%"))
        else:
            self._say(Content())

    def _say(self, content: Content) -> None:
        self.query_one("#hint", Prose).show([row(content)])

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        self._problem = await asyncio.to_thread(problem_with, event.value)
        self._hint()
        if self._problem is None:
            self.medic.examine(event.value.strip())

    # --------------------------------------------------------------------------- actions
    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        patient = self._patients[event.option_index]
        self.medic.examine(patient.spec, name=patient.title)

    def action_own_case(self) -> None:
        """Go to the field for one's own case."""
        self.query_one(CaseInput).focus()

    def action_leave_field(self) -> None:
        """Go back to the patients."""
        self.query_one(PatientList).focus()


def _how_to_write(language: Language) -> Content:
    return Content.assemble(
        strings.CASE_EXPLAINED.get(language),
        "\n\n",
        code(strings.CASE_EXAMPLE),
        "\n\n",
        (strings.CASE_OPTIONAL.get(language), "$foreground 60%"),
    )
