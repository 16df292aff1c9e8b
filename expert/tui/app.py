"""The app: what the screens share (language, knowledge, session), and how one leads to another."""

from __future__ import annotations

import os
from collections.abc import Iterable
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

from expert.language import Language
from expert.tui import strings
from expert.tui.commands import commands
from expert.tui.examining import KnowledgeSource
from expert.tui.outcome import Subject
from expert.tui.screens.start import StartScreen
from expert.tui.screens.talking import TalkingScreen
from expert.tui.services import Services
from expert.tui.sessions.session import Session
from expert.tui.sessions.store import Saver
from expert.tui.texts import sessions as session_texts
from expert.tui.themes import DARK, LIGHT
from expert.tui.titles import Titles

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge
    from expert.tui.reasoning import Reasoned

_LOOK_FOR_EDITS = 2.0  # seconds between two looks at the knowledge files


class TorchmedicApp(App[int]):
    """The interface of torchmedic."""

    TITLE = "torchmedic"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "switch_language", "Language", show=False, id="language"),
        Binding("ctrl+t", "switch_light", "Light/dark", show=False, id="light"),
        Binding("ctrl+k", "knowledge", "Knowledge", show=False, id="knowledge"),
        Binding("question_mark", "help", "Help", id="help"),
        Binding("f1", "help", "Help", show=False, priority=True, id="help-anywhere"),
        Binding("q", "quit", "Quit", id="quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="quit-anywhere"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True, id="palette"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012

    class KnowledgeFailed(Message):
        """The rules could not be read."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    class KnowledgeChanged(Message):
        """The rules were edited and read again, or have mistakes now."""

        def __init__(self, source: KnowledgeSource) -> None:
            super().__init__()
            self.source = source

    language: reactive[Language] = reactive[Language]("en", init=False)

    def __init__(
        self, services: Services, *, language: Language, subject: Subject | None = None
    ) -> None:
        super().__init__()
        self.set_reactive(TorchmedicApp.language, language)
        self.services = services
        self.titles = Titles({}, {})
        self.saver = Saver(services.store, self._saving_failed)
        self._source: Future[KnowledgeSource] = Future()
        self._subject = subject
        self._told_of_saving = False
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        """Return the start screen, which stays below all others."""
        return StartScreen(self.services.patients, self.services.store)

    def on_mount(self) -> None:
        """Go to what is to be examined, then load the knowledge."""
        if self._subject is not None:
            self.begin(self._subject)
        self.call_after_refresh(self._load_knowledge)  # the first frame does not wait for it
        self.set_interval(_LOOK_FOR_EDITS, self._look_for_edits)

    async def action_quit(self) -> None:
        """Leave once everything is saved."""
        self.saver.flush(2.0)
        self.exit(0)

    # ------------------------------------------------------------------------- knowledge
    @work(thread=True, exit_on_error=False, group="knowledge")
    def _load_knowledge(self) -> None:
        try:
            source = self.services.load_knowledge()
        except Exception as error:
            self._source.set_exception(error)
            self.post_message(self.KnowledgeFailed(error))
            return
        self.titles = _titles(source.knowledge)
        self._source.set_result(source)

    @on(KnowledgeFailed)
    def _knowledge_failed(self, message: KnowledgeFailed) -> None:
        self.explain(message.error, None)

    @work(thread=True, exclusive=True, exit_on_error=False, group="edits")
    def _look_for_edits(self) -> None:
        if self._source.done() and self._source.exception() is None:
            source = self._source.result()
            if source.refresh():
                self.titles = _titles(source.knowledge)
                self.post_message(self.KnowledgeChanged(source))

    @on(KnowledgeChanged)
    def _knowledge_changed(self, message: KnowledgeChanged) -> None:
        error = message.source.error
        if error is not None:
            first = error.problems[0].say(self.language)
            said = strings.RULES_BROKEN.get(self.language).format(first=first)
            self.notify(said, severity="error", markup=False, timeout=8)
            return
        self.notify(strings.RULES_RELOADED.get(self.language), markup=False)
        self.rules_changed()

    def rules_changed(self) -> None:
        """Let all open screens conclude anew."""
        if self._source.done() and self._source.exception() is None:
            self.titles = _titles(self._source.result().knowledge)
        for screen in self.screen_stack:
            if isinstance(screen, TalkingScreen):
                screen.reason_again()

    def knowledge(self) -> Knowledge:
        """Return the knowledge. Waits until it is read: call it in a thread."""
        return self._source.result().knowledge

    def source(self) -> KnowledgeSource:
        """Return where the knowledge comes from. Waits until it is read: call it in a thread."""
        return self._source.result()

    def conclude(self, session: Session) -> Reasoned:
        """Return what follows from `session`. Waits for the knowledge: call it in a thread."""
        from expert.tui.reasoning import conclude

        return conclude(session, self.knowledge(), self.services.min_certainty)

    # --------------------------------------------------------------------------- sessions
    def save(self, session: Session) -> None:
        """Save `session` as it is now."""
        self.saver.save(session)

    def _saving_failed(self, error: OSError) -> None:
        """Say once that nothing can be saved; called in the saver's thread."""
        if not self._told_of_saving:
            self._told_of_saving = True
            said = session_texts.SAVING_FAILED.get(self.language).format(
                path=self.services.store.folder, why=error.strerror or error
            )
            self.call_from_thread(self.notify, said, severity="warning", markup=False, timeout=10)

    # ----------------------------------------------------------------- from screen to screen
    def begin(self, subject: Subject) -> None:
        """Begin a session on `subject`; the start screen stays below."""
        self.resume(Session(subject))

    def resume(self, session: Session) -> None:
        """Go on with `session` where it stands."""
        self.back_to_start()
        broken = self._source.exception() if self._source.done() else None
        if broken is not None:  # without knowledge nothing could be concluded
            self.explain(broken, None)
        elif session.complete:
            self.show_diagnosis(session)
        else:
            self.push_screen(_screen_for(session))

    def show_diagnosis(self, session: Session) -> None:
        """Put the diagnosis in the place of whatever is above the start screen."""
        from expert.tui.screens.diagnosis import DiagnosisScreen

        self.back_to_start()
        self.push_screen(DiagnosisScreen(session))

    def ask(self, session: Session) -> None:
        """Ask what still matters; what is above the start screen makes way."""
        from expert.tui.screens.asking import AskingScreen

        self.back_to_start()
        self.push_screen(AskingScreen(session))

    def compare_with_before(self, session: Session) -> None:
        """Compare `session` with the one that it follows."""
        from expert.tui.screens.compare import CompareScreen

        if session.follows is None:
            return
        try:
            before = self.services.store.read(session.follows)
        except (OSError, ValueError):
            self.notify(session_texts.BEFORE_IS_GONE.get(self.language), markup=False)
            return
        self.push_screen(CompareScreen(before, session))

    def back_to_start(self) -> None:
        """Close everything above the start screen."""
        while len(self.screen_stack) > 1 and not isinstance(self.screen, StartScreen):
            self.pop_screen()

    def explain_here(self, error: BaseException, subject: Subject | None) -> None:
        """Explain what went wrong above the present screen, which stays."""
        from expert.tui.screens.problem import ProblemScreen, problem_from

        self.push_screen(ProblemScreen(problem_from(error, subject)))

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

    def action_knowledge(self) -> None:
        """Open the knowledge browser."""
        from expert.tui.screens.knowledge import KnowledgeScreen

        if not any(isinstance(screen, KnowledgeScreen) for screen in self.screen_stack):
            fired = self.screen.fired() if isinstance(self.screen, TalkingScreen) else {}
            self.push_screen(KnowledgeScreen(fired))

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
        """Yield the commands of the palette: what the screen can do, then what the app can."""
        yield from commands(self, screen)


def _screen_for(session: Session) -> Screen[None]:
    """Return the screen on which a session goes on that is not complete."""
    match session.subject.kind:
        case "symptoms":
            from expert.tui.screens.asking import AskingScreen

            return AskingScreen(session)
        case "log":
            from expert.tui.screens.reading import ReadingScreen

            return ReadingScreen(session)
        case "script":
            from expert.tui.screens.watch import WatchScreen

            return WatchScreen(session)
        case "case" if _is_new(session):
            from expert.tui.screens.asking import AskingScreen

            return AskingScreen(session, before_examination=True)
        case _:
            from expert.tui.screens.examination import ExaminationScreen

            return ExaminationScreen(session)


def _is_new(session: Session) -> bool:
    """Return whether a person may have seen something that we do not know yet."""
    return not session.probes and not session.answers and session.follows is None


def _titles(knowledge: Knowledge) -> Titles:
    conclusions = {**knowledge.symptoms, **knowledge.causes}
    return Titles(
        {id_: item.title.text for id_, item in conclusions.items()},
        {id_: (source.title, source.url) for id_, source in knowledge.sources.items()},
    )
