"""The right half of the start screen: one pane for each thing that a person may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from expert.language import Language, Text
from expert.tui import strings
from expert.tui.outcome import Kind, Subject
from expert.tui.patients import Patient
from expert.tui.phrases import code, plain
from expert.tui.sessions.store import Saved
from expert.tui.texts import start as texts
from expert.tui.widgets.case_input import Asked, PlaceField
from expert.tui.widgets.log_browser import LogBrowser
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import Row, row

_RECENT = 8
VI_KEYS: list[BindingType] = [
    Binding("j", "cursor_down", "Down", show=False),
    Binding("k", "cursor_up", "Up", show=False),
]


class Chosen(Message):
    """A person chose what to examine."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject


class Pane(Vertical):
    """A pane; `first` gets the focus when a person goes into it."""

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        raise NotImplementedError

    def take_saved(self, saved: Sequence[Saved]) -> None:
        """Take in the saved sessions, newest first."""

    @property
    def first(self) -> Widget:
        """The part that a person wants first."""
        raise NotImplementedError


class RecentList(OptionList):
    """What was examined lately; enter takes it again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Begin"), *VI_KEYS]


class PlacePane(Pane):
    """A field, what was given there lately, and an explanation."""

    def __init__(
        self,
        kind: Kind,
        asked: Asked,
        explained: Callable[[Language], list[Row]],
    ) -> None:
        super().__init__(id=f"pane-{kind}")
        self._kind: Kind = kind
        self._asked = asked
        self._explained = explained
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield PlaceField(self._asked, id=f"{self._kind}-field")
        with VerticalScroll(classes="pane-body"):
            yield RecentList(classes="recent", markup=False)
            yield Prose(classes="explained")

    def on_mount(self) -> None:
        """Show no list before there is one."""
        self.query_one(RecentList).display = False

    @property
    def first(self) -> Widget:
        """The field."""
        return self.query_one(PlaceField).input

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(PlaceField).speak(language)
        self.query_one(RecentList).border_title = Content(texts.RECENT.get(language))
        self.query_one(".explained", Prose).show(self._explained(language))

    def take_saved(self, saved: Sequence[Saved]) -> None:
        """List what was given lately, each once."""
        subjects = (one.subject for one in saved)
        specs = (s.spec for s in subjects if s is not None and s.kind == self._kind)
        self._found = list(dict.fromkeys(specs))[:_RECENT]
        list_ = self.query_one(RecentList)
        list_.clear_options()
        list_.add_options([Option(Content(plain(spec))) for spec in self._found])
        list_.display = bool(self._found)

    @on(PlaceField.Given)
    def _given(self, event: PlaceField.Given) -> None:
        event.stop()
        self.post_message(Chosen(Subject(event.value, kind=self._kind)))

    @on(OptionList.OptionSelected)
    def _again(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(Chosen(Subject(self._found[event.option_index], kind=self._kind)))


class LogPane(PlacePane):
    """The same, with the folders and logs that are there."""

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield PlaceField(self._asked, id=f"{self._kind}-field")
        yield RecentList(classes="recent", markup=False)
        yield LogBrowser(id="browser")
        yield Prose(classes="explained")

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        super().speak(language)
        self.query_one(LogBrowser).speak(language)

    def on_show(self) -> None:
        """Look at the folder once somebody looks here."""
        self.query_one(LogBrowser).open_here()

    @on(LogBrowser.Picked)
    def _picked(self, event: LogBrowser.Picked) -> None:
        event.stop()
        self.post_message(Chosen(Subject(event.place, kind=self._kind)))


class BeginList(OptionList):
    """One entry that begins."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Begin")]


class SymptomsPane(Pane):
    """Explains the questionnaire, and begins it."""

    def __init__(self) -> None:
        super().__init__(id="pane-symptoms")

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Prose(classes="explained")
        yield BeginList(Option(""), markup=False, classes="begin")

    @property
    def first(self) -> Widget:
        """The entry that begins."""
        return self.query_one(BeginList)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(Prose).show([row(texts.SYMPTOMS_EXPLAINED.get(language)), row()])
        list_ = self.query_one(BeginList)
        list_.replace_option_prompt_at_index(0, Content("→ " + texts.BEGIN.get(language)))
        list_.highlighted = 0

    @on(OptionList.OptionSelected)
    def _begin(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(Chosen(Subject("", kind="symptoms")))


class PatientList(OptionList):
    """The built-in patients."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Examine"), *VI_KEYS]


class DemoPane(Pane):
    """The built-in patients with their stories."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        super().__init__(id="pane-demo")
        self._patients = patients
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield PatientList(id="patients", markup=False)
        with VerticalScroll(classes="pane-body", can_focus=False):
            yield Prose(id="story-text")

    @property
    def first(self) -> Widget:
        """The list."""
        return self.query_one(PatientList)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self._language = language
        list_ = self.query_one(PatientList)
        before = list_.highlighted
        list_.clear_options()
        titles = [Content(plain(patient.title.get(language))) for patient in self._patients]
        list_.add_options([Option(title) for title in titles])
        list_.highlighted = (before or 0) if titles else None
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        index, language = self.query_one(PatientList).highlighted, self._language
        text = self.query_one("#story-text", Prose)
        if index is None:
            text.show([row(strings.NO_PATIENTS.get(language))])
            return
        patient = self._patients[index]
        story = plain(patient.story.get(language).strip())
        hint = Content.styled(texts.DEMO_EXPLAINED.get(language), "italic $foreground 60%")
        text.show([row(story), row(), row(hint)])

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        patient = self._patients[event.option_index]
        self.post_message(Chosen(Subject(patient.spec, patient.title, "demo")))


def case_explained(language: Language) -> list[Row]:
    """Return how a case is written."""
    optional = Content.styled(strings.CASE_OPTIONAL.get(language), "$foreground 60%")
    return [
        row(strings.CASE_EXPLAINED.get(language)),
        row(),
        row(code(strings.CASE_EXAMPLE)),
        row(),
        row(optional),
    ]


def explained_by(text: Text) -> Callable[[Language], list[Row]]:
    """Return what explains a pane by one paragraph."""
    return lambda language: [row(text.get(language))]
