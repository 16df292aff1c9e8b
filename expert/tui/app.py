"""The app: what the screens share (language, knowledge), and how one leads to another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.theme import ThemeProvider

from expert.diagnosis import Diagnosis, Inquiry
from expert.language import Language, Text
from expert.observation import Observation
from expert.tui import strings
from expert.tui.examining import Examine, OnEvent, OnOutput, RunningExamination
from expert.tui.outcome import Outcome, Subject
from expert.tui.patients import Patient
from expert.tui.screens.examination import ExaminationScreen
from expert.tui.screens.start import StartScreen
from expert.tui.screens.talking import TalkingScreen
from expert.tui.themes import DARK, LIGHT
from expert.tui.widgets.finding_detail import Titles

if TYPE_CHECKING:
    from expert.knowledge.loader import Knowledge

LoadKnowledge = Callable[[], "Knowledge"]


class TorchmedicApp(App[int]):
    """The interface of torchmedic."""

    TITLE = "torchmedic"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "switch_language", "Language"),
        Binding("t", "switch_light", "Light/dark", show=False),
        Binding("question_mark", "help", "Help"),
        Binding("f1", "help", "Help", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it

    class KnowledgeFailed(Message):
        """The rules could not be read."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    language: reactive[Language] = reactive[Language]("en", init=False)

    def __init__(
        self,
        *,
        language: Language,
        load_knowledge: LoadKnowledge,
        examine: Examine,
        budget: float,
        patients: Sequence[Patient] = (),
        subject: Subject | None = None,
    ) -> None:
        super().__init__()
        self.set_reactive(TorchmedicApp.language, language)
        self.titles = Titles({}, {})
        self._load = load_knowledge
        self._knowledge: Future[Knowledge] = Future()
        self._examine = examine
        self._budget = budget
        self._patients = patients
        self._subject = subject
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = DARK.name

    def on_mount(self) -> None:
        """Show the first screen, then load the knowledge."""
        self.push_screen(StartScreen(self._patients))
        if self._subject is not None:
            self.examine(self._subject.spec, name=self._subject.name)
        self.call_after_refresh(self._load_knowledge)  # the first frame does not wait for it

    # ------------------------------------------------------------------------- knowledge
    @work(thread=True, exit_on_error=False)
    def _load_knowledge(self) -> None:
        try:
            knowledge = self._load()
        except Exception as error:
            self._knowledge.set_exception(error)
            self.post_message(self.KnowledgeFailed(error))
            return
        self.titles = _titles(knowledge)
        self._knowledge.set_result(knowledge)

    @on(KnowledgeFailed)
    def _knowledge_failed(self, message: KnowledgeFailed) -> None:
        self.explain(message.error, None)

    def conclude(
        self, observations: Sequence[Observation], inquiries: Sequence[Inquiry]
    ) -> Diagnosis:
        """Return what follows from `observations`. Waits for the knowledge: call it in a thread."""
        from expert.inference.diagnose import diagnose

        return diagnose(observations, self._knowledge.result(), inquiries=inquiries)

    # ----------------------------------------------------------------- from screen to screen
    def prepare(self, spec: str, *, on_event: OnEvent, on_output: OnOutput) -> RunningExamination:
        """Return an examination of the case at `spec` that is ready to run."""
        return self._examine(spec, on_event=on_event, on_output=on_output)

    def examine(self, spec: str, *, name: Text | None = None) -> None:
        """Examine the case at `spec`; the start screen stays below."""
        subject = Subject(spec, name)
        self.back_to_start()
        broken = self._knowledge.exception() if self._knowledge.done() else None
        if broken is not None:  # without knowledge nothing could be concluded
            self.explain(broken, None)
        else:
            self.push_screen(ExaminationScreen(subject, self._budget))

    def show_diagnosis(self, outcome: Outcome) -> None:
        """Put the diagnosis in the place of the examination."""
        from expert.tui.screens.diagnosis import DiagnosisScreen

        self.back_to_start()
        self.push_screen(DiagnosisScreen(outcome))

    def back_to_start(self) -> None:
        """Close everything above the start screen."""
        while len(self.screen_stack) > 1 and not isinstance(self.screen, StartScreen):
            self.pop_screen()

    def explain(self, error: BaseException, subject: Subject | None) -> None:
        """Explain what went wrong with a case, with the knowledge, or with torchmedic itself."""
        from expert.tui.screens.problem import ProblemScreen, problem_from

        self.back_to_start()
        self.push_screen(ProblemScreen(problem_from(error, subject)))

    # --------------------------------------------------------------------------- actions
    def watch_language(self, language: Language) -> None:
        """Put all open screens into `language`."""
        for screen in self.screen_stack:
            if isinstance(screen, TalkingScreen):
                screen.speak(language)
                screen.refresh_bindings()

    def action_switch_language(self) -> None:
        """Speak the other language."""
        self.language = "en" if self.language == "zh" else "zh"

    def action_switch_light(self) -> None:
        """Switch between light and dark."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_help(self) -> None:
        """Explain the current screen and its keys."""
        from expert.tui.screens.help import HelpScreen

        screen = self.screen
        if isinstance(screen, TalkingScreen) and not isinstance(screen, HelpScreen):
            self.push_screen(HelpScreen(screen.NAME, screen.EXPLANATION, screen.keys))

    def copy(self, text: str | None) -> None:
        """Copy `text` to the clipboard and say so."""
        if not text:
            said = strings.NOTHING_TO_COPY.get(self.language)
            self.notify(said, severity="warning", markup=False)
            return
        self.copy_to_clipboard(text)
        self.notify(strings.COPIED.get(self.language), markup=False, timeout=3)

    # --------------------------------------------------------------------------- palette
    def action_command_palette(self) -> None:
        """Open the palette, speaking our language."""
        if not isinstance(self.screen, CommandPalette):
            placeholder = strings.SEARCH_COMMANDS.get(self.language)
            self.push_screen(CommandPalette(placeholder=placeholder, id="--command-palette"))

    def search_themes(self) -> None:
        """Let the user choose a theme."""
        placeholder = strings.SEARCH_THEMES.get(self.language)
        self.push_screen(CommandPalette(providers=[ThemeProvider], placeholder=placeholder))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the commands of the palette."""
        language = self.language
        key = strings.key_description
        for title, help_, action in (
            (key("Help", language), strings.COMMAND_HELP, self.action_help),
            (key("Language", language), strings.COMMAND_LANGUAGE, self.action_switch_language),
            (key("Light/dark", language), strings.COMMAND_LIGHT, self.action_switch_light),
            (strings.THEME.get(language), strings.COMMAND_THEME, self.search_themes),
            (strings.SCREENSHOT.get(language), strings.COMMAND_SCREENSHOT, self.deliver_screenshot),
            (key("Quit", language), strings.COMMAND_QUIT, self.action_quit),
        ):
            yield SystemCommand(title, help_.get(language), action)


def _titles(knowledge: Knowledge) -> Titles:
    conclusions = {**knowledge.symptoms, **knowledge.causes}
    return Titles(
        {id_: item.title.text for id_, item in conclusions.items()},
        {id_: (source.title, source.url) for id_, source in knowledge.sources.items()},
    )
