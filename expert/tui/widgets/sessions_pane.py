"""The saved sessions: continue one, compare two, delete one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from expert.language import Language
from expert.tui.phrases import bar, certainty_style, lines, plain
from expert.tui.sessions.store import Saved, SessionStore
from expert.tui.texts import sessions as texts
from expert.tui.widgets.ago import ago
from expert.tui.widgets.panes import VI_KEYS, Pane
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import row, wrapped


class SessionList(OptionList):
    """The saved sessions, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Continue"),
        Binding("space", "mark", "Mark"),
        Binding("delete,d", "remove", "Delete"),
        *VI_KEYS,
    ]

    class Marked(Message):
        """A session was marked for comparison."""

    class Removed(Message):
        """A session shall be deleted."""

    def action_mark(self) -> None:
        """Mark the highlighted session."""
        self.post_message(self.Marked())

    def action_remove(self) -> None:
        """Delete the highlighted session."""
        self.post_message(self.Removed())


class SessionsPane(Pane):
    """Lists the sessions with what was found."""

    class Continued(Message):
        """A session shall be continued."""

        def __init__(self, id_: str) -> None:
            super().__init__()
            self.id = id_

    class Compared(Message):
        """Two sessions shall be compared, the earlier one first."""

        def __init__(self, before: str, after: str) -> None:
            super().__init__()
            self.before = before
            self.after = after

    class Changed(Message):
        """The folder has to be read again."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__(id="pane-sessions")
        self._store = store
        self._found: list[Saved] = []
        self._marked: str | None = None
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield SessionList(id="sessions", markup=False)
        yield Prose(id="sessions-hint")

    def on_resize(self) -> None:
        """Wrap the list at the new width."""
        self.call_after_refresh(self._show)

    @property
    def first(self) -> Widget:
        """The list."""
        return self.query_one(SessionList)

    def take_saved(self, saved: Sequence[Saved]) -> None:
        """List the sessions."""
        self._found = list(saved)
        self._show()

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self._language = language
        self._show()

    def _show(self) -> None:
        list_, language = self.query_one(SessionList), self._language
        before, width = list_.highlighted, max(list_.scrollable_content_region.width - 2, 20)
        list_.clear_options()
        now = time.time()
        list_.add_options([Option(lines(self._entry(saved, now, width))) for saved in self._found])
        list_.display = bool(self._found)
        if self._found:
            list_.highlighted = min(before or 0, len(self._found) - 1)
        text = texts.CONTINUE_HINT if self._found else texts.NO_SESSIONS
        hint = Content.styled(text.get(language), "$foreground 60%")
        self.query_one("#sessions-hint", Prose).show([row(hint)])

    def _entry(self, saved: Saved, now: float, width: int) -> list[Content]:
        mark = "◆ " if saved.id == self._marked else ""
        if saved.subject is None:
            said = texts.UNREADABLE.get(self._language).format(why=plain(saved.problem))
            name = Content.assemble((mark, "$accent"), (f"{saved.id}  ", "bold"))
            return wrapped(name + Content.styled(said, "$foreground 60%"), width)
        language = self._language
        kind = texts.KINDS[saved.subject.kind].get(language)
        title = plain(saved.subject.title(language))
        when = ago(now - saved.changed, language)
        head = Content.assemble(
            (mark, "$accent"), (title, "bold"), (f"  {kind} · {when}", "$foreground 60%")
        )
        return [*wrapped(head, width), *wrapped(self._result(saved), width, 2)]

    def _result(self, saved: Saved) -> Content:
        language = self._language
        if saved.headline is not None:
            style = certainty_style(saved.certainty)
            said = plain(saved.headline.get(language))
            return Content.assemble(
                bar(saved.certainty, 6, style), f" {saved.certainty:.2f} ", said
            )
        text = texts.NO_FINDING if saved.complete else texts.UNFINISHED
        return Content.styled(text.get(language), "$foreground 60%")

    # ------------------------------------------------------------------------------- choices
    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        saved = self._found[event.option_index]
        if not saved.problem:
            self.post_message(self.Continued(saved.id))

    @on(SessionList.Marked)
    def _mark(self) -> None:
        saved = self._highlighted()
        if saved is None or saved.problem:
            return
        if self._marked in (None, saved.id):
            self._marked = None if self._marked else saved.id
            self._show()
            if self._marked:
                self.notify(texts.MARKED.get(self._language), markup=False)
            return
        other = next((s for s in self._found if s.id == self._marked), None)
        self._marked = None
        self._show()
        if other is not None:
            first, second = sorted((saved, other), key=lambda s: s.changed)
            self.post_message(self.Compared(first.id, second.id))

    @on(SessionList.Removed)
    def _remove(self) -> None:
        saved = self._highlighted()
        if saved is not None:
            self._store.delete(saved.id)
            self.notify(texts.DELETED.get(self._language), markup=False)
            self.post_message(self.Changed())

    def _highlighted(self) -> Saved | None:
        index = self.query_one(SessionList).highlighted
        return self._found[index] if index is not None else None
