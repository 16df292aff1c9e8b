"""The start screen: what do you have? On the left the choice, on the right what it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.message import Message
from textual.widgets import ContentSwitcher, Footer, OptionList, Static
from textual.widgets.option_list import Option

from expert.errors import UsageError
from expert.language import Language
from expert.tui import strings
from expert.tui.case_place import completions, problem_with
from expert.tui.command_place import (
    log_completions,
    log_problem,
    script_completions,
    script_problem,
)
from expert.tui.patients import Patient
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.store import Saved, SessionStore
from expert.tui.texts import start as texts
from expert.tui.widgets.case_input import Asked
from expert.tui.widgets.panes import (
    VI_KEYS,
    Chosen,
    DemoPane,
    LogPane,
    Pane,
    PlacePane,
    SymptomsPane,
    case_explained,
    explained_by,
)
from expert.tui.widgets.sessions_pane import SessionsPane
from expert.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from expert.tui.sessions.session import Session

CHOICES = (
    ("pane-case", texts.CASE),
    ("pane-script", texts.SCRIPT),
    ("pane-log", texts.LOG),
    ("pane-symptoms", texts.SYMPTOMS),
    ("pane-demo", texts.DEMO),
    ("pane-sessions", texts.SESSIONS),
)
_DEMO, _SESSIONS = 4, 5


class StartMenu(OptionList):
    """What a person may have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "select", "Choose", key_display="⏎"),
        *VI_KEYS,
    ]


class StartScreen(TalkingScreen[None]):
    """Choose what is examined."""

    NAME = strings.START
    EXPLANATION = texts.START_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "choose(0)", "Own case", show=False),
        Binding("escape", "leave_field", "Back", show=False),
        *(Binding(str(n), f"choose({n - 1})", "Choose", show=False) for n in range(1, 7)),
    ]
    AUTO_FOCUS = "StartMenu"

    class Loaded(Message):
        """Saved sessions were read: one to continue, or two to compare."""

        def __init__(self, *sessions: Session) -> None:
            super().__init__()
            self.sessions = sessions

    class Listed(Message):
        """The saved sessions, newest first."""

        def __init__(self, saved: Sequence[Saved]) -> None:
            super().__init__()
            self.saved = saved

    class NotLoaded(Message):
        """A saved session cannot be read."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, patients: Sequence[Patient], store: SessionStore) -> None:
        super().__init__()
        self._patients = patients
        self._store = store
        self._saved: Sequence[Saved] = ()
        self._is_whole = False
        self._completing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="welcome", markup=False)
        with Horizontal(id="choice"):
            yield StartMenu(id="menu", classes="panel", markup=False)
            with ContentSwitcher(initial="pane-demo", id="panes", classes="panel"):
                yield DemoPane(self._patients)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Draw the first frame with the pane that it shows; the others come right after it."""
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        """Mount the panes that the first frame does without."""
        async with self._completing:
            if self._is_whole:
                return
            panes = list(self._other_panes())
            for pane in panes:
                pane.display = False
            await self.query_one(ContentSwitcher).mount_all(panes)
            for pane in panes:
                if not pane.is_mounted:  # the app is being left
                    return
                pane.speak(self.medic.language)
                pane.take_saved(self._saved)
            self._is_whole = True

    def _other_panes(self) -> Iterator[Pane]:
        case = Asked(strings.OWN_CASE_PLACEHOLDER, strings.OWN_CASE_HINT, completions, problem_with)
        script = Asked(
            texts.SCRIPT_PLACEHOLDER, texts.SCRIPT_HINT, script_completions, script_problem
        )
        log = Asked(texts.LOG_PLACEHOLDER, texts.LOG_HINT, log_completions, log_problem)
        yield PlacePane("case", case, case_explained)
        yield PlacePane("script", script, explained_by(texts.SCRIPT_EXPLAINED))
        yield LogPane("log", log, explained_by(texts.LOG_EXPLAINED))
        yield SymptomsPane()
        yield SessionsPane(self._store)

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language))
        self.query_one("#welcome", Static).update(Content(texts.WELCOME.get(language)))
        menu = self.query_one(StartMenu)
        menu.border_title = Content(texts.WHAT_DO_YOU_HAVE.get(language))
        before = menu.highlighted
        menu.clear_options()
        for n, (_, text) in enumerate(CHOICES, start=1):
            number = (f"{n} ", "$foreground 60%")
            menu.add_option(Option(Content.assemble(number, text.get(language))))
        menu.highlighted = _DEMO if before is None else before
        for pane in self.query(Pane):
            pane.speak(language)
        self._title_pane()

    def _title_pane(self) -> None:
        index = self.query_one(StartMenu).highlighted or 0
        text = CHOICES[index][1].get(self.medic.language)
        self.query_one("#panes").border_title = Content(text)

    # --------------------------------------------------------------------------- the menu
    @on(OptionList.OptionHighlighted, "#menu")
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != _DEMO:
            await self._complete()
        self.query_one(ContentSwitcher).current = CHOICES[event.option_index][0]
        self._title_pane()

    @on(OptionList.OptionSelected, "#menu")
    async def _selected(self, event: OptionList.OptionSelected) -> None:
        await self._complete()
        self.query_one(f"#{CHOICES[event.option_index][0]}", Pane).first.focus()

    @on(ScreenResume)
    def _resumed(self) -> None:
        self._list_saved()

    @on(SessionsPane.Changed)
    def _changed(self) -> None:
        self._list_saved()

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _list_saved(self) -> None:
        self.post_message(self.Listed(self._store.listed()))

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        self._saved = event.saved
        for pane in self.query(Pane):
            if pane.is_mounted:  # the others are given them when they are
                pane.take_saved(event.saved)

    # -------------------------------------------------------------------------- the panes
    @on(Chosen)
    def _chosen(self, event: Chosen) -> None:
        self.medic.begin(event.subject)

    @on(SessionsPane.Continued)
    def _continued(self, event: SessionsPane.Continued) -> None:
        self._load(event.id)

    @on(SessionsPane.Compared)
    def _compared(self, event: SessionsPane.Compared) -> None:
        self._load(event.before, event.after)

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def _load(self, *ids: str) -> None:
        try:
            self.post_message(self.Loaded(*map(self._store.read, ids)))
        except (OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            said = strings.SESSION_UNREADABLE
            problem = UsageError(en=said.en.format(why=why), zh=said.zh.format(why=why))
            self.post_message(self.NotLoaded(problem))

    @on(Loaded)
    def _loaded(self, event: Loaded) -> None:
        if len(event.sessions) == 1:
            self.medic.resume(event.sessions[0])
        else:
            from expert.tui.screens.compare import CompareScreen

            self.app.push_screen(CompareScreen(*event.sessions))

    @on(NotLoaded)
    def _not_loaded(self, event: NotLoaded) -> None:
        self.medic.explain(event.error, None)

    # --------------------------------------------------------------------------- actions
    async def action_choose(self, index: int) -> None:
        """Go to the pane at `index`."""
        await self._complete()
        self.query_one(StartMenu).highlighted = index
        self.query_one(ContentSwitcher).current = CHOICES[index][0]
        self.query_one(f"#{CHOICES[index][0]}", Pane).first.focus()

    def action_leave_field(self) -> None:
        """Go back to the menu."""
        self.query_one(StartMenu).focus()
