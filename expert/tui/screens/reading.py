"""Reads logs in a thread, then shows the diagnosis of their curves."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Footer, LoadingIndicator

from expert.language import Language
from expert.observation import Observation
from expert.tui.command_place import words_of
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.curves import Curves, thinned
from expert.tui.sessions.session import Session
from expert.tui.texts import watch as texts
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row


class ReadingScreen(TalkingScreen[None]):
    """Read logs; it ends in questions or the diagnosis."""

    NAME = texts.READING
    EXPLANATION = texts.READING_HELP
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="back")]

    class Was(Message):
        """The logs were read."""

        def __init__(self, seen: tuple[Observation, ...], curves: Curves, ask: bool) -> None:
            super().__init__()
            self.seen = seen
            self.curves = curves
            self.ask = ask

    class Failed(Message):
        """The logs cannot be read."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Vertical(id="reading"):
            yield Prose(id="reading-text")
            yield LoadingIndicator()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read."""
        self._read()

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.session.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title)
        self.query_one("#reading-text", Prose).show([row(title)])

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self) -> None:
        from probes.logs.curves import observe_curves
        from probes.logs.reading import read_logs

        try:
            logs = read_logs(words_of(self.session.subject.spec))
            seen = tuple(observe_curves(logs.series))
            curves = {
                f"log:{one.name}": thinned(zip(one.steps, one.values, strict=True))
                for one in logs.series
                if one.role != "other"
            }
            self.session.measured = seen
            reasoned = self.medic.conclude(self.session)
            ask = not reasoned.is_clear and reasoned.questionnaire.next() is not None
            self.post_message(self.Was(seen, curves, ask))
        except Exception as error:
            self.post_message(self.Failed(error))

    @on(Was)
    def _was(self, message: Was) -> None:
        if self not in self.app.screen_stack:
            return
        session = self.session
        session.measured, session.curves = message.seen, message.curves
        session.complete = True
        self.medic.save(session)
        if message.ask:
            self.medic.ask(session)
        else:
            self.medic.show_diagnosis(session)

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        if self in self.app.screen_stack:
            self.medic.explain(message.error, self.session.subject)

    def action_leave(self) -> None:
        """Go back to the start."""
        self.medic.back_to_start()
