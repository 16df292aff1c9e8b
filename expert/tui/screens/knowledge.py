"""The knowledge browser: causes, symptoms, rules, facts, questions and sources, searchable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Input, OptionList, Tab, Tabs
from textual.widgets.option_list import Option

from expert.language import Language
from expert.tui.knowledge_pages import Entry, entries, page
from expert.tui.phrases import lines, plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.texts import knowledge as texts
from expert.tui.texts import walk as walk_texts
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row, wrapped

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge


class EntryList(OptionList):
    """What matches the search."""

    BINDINGS: ClassVar[list[BindingType]] = [*VI_KEYS]


class KnowledgeScreen(TalkingScreen[None]):
    """Look up anything the engine knows."""

    NAME = texts.KNOWLEDGE
    EXPLANATION = texts.KNOWLEDGE_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="search"),
        Binding("e", "edit", "Edit", id="edit"),
        Binding("right_square_bracket", "step(1)", "Next tab", show=False, key_display="]"),
        Binding("left_square_bracket", "step(-1)", "Previous tab", show=False, key_display="["),
        Binding("escape", "leave", "Back", id="back"),
    ]
    AUTO_FOCUS = "EntryList"

    class Loaded(Message):
        """The knowledge is there."""

        def __init__(self, knowledge: Knowledge) -> None:
            super().__init__()
            self.knowledge = knowledge

    def __init__(self, fired: Mapping[str, float]) -> None:
        super().__init__()
        self._fired = fired
        self._knowledge: Knowledge | None = None
        self._entries: list[Entry] = []
        self._shown: list[Entry] = []

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Tabs(*(Tab("", id=f"kind-{kind}") for kind in texts.KINDS), id="kinds")
        with Horizontal(id="browsing"):
            with Vertical(id="lookup"):
                yield Input(id="lookup-text", select_on_focus=False)
                yield EntryList(id="entries", markup=False)
            with VerticalScroll(id="page"):
                yield Prose(id="page-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Get the knowledge."""
        self._load()

    def reason_again(self) -> None:
        """Show the edited rules."""
        self._load()

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def _load(self) -> None:
        self.post_message(self.Loaded(self.medic.knowledge()))

    @on(Loaded)
    def _loaded(self, message: Loaded) -> None:
        self._knowledge = message.knowledge
        self._entries = list(entries(message.knowledge, self._fired))
        self.speak(self.medic.language)

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language))
        self.query_one("#lookup-text", Input).placeholder = texts.SEARCH.get(language)
        for tab in self.query(Tab):
            kind = (tab.id or "").removeprefix("kind-")
            count = sum(entry.kind == kind for entry in self._entries)
            tab.label = Content(f"{texts.KINDS[kind].get(language)} {count}")
        self._list()

    def _list(self) -> None:
        list_, language = self.query_one(EntryList), self.medic.language
        wanted = self.query_one("#lookup-text", Input).value.strip().lower()
        kind = self._kind
        before = self._present.id if self._present else None
        self._shown = [e for e in self._entries if e.kind == kind and e.matches(wanted)]
        list_.clear_options()
        width = max(list_.scrollable_content_region.width - 2, 16)
        labels = [wrapped(_label(entry, language), width, 2) for entry in self._shown]
        list_.add_options([Option(lines(label)) for label in labels])
        ids = [entry.id for entry in self._shown]
        if self._shown:
            list_.highlighted = ids.index(before) if before in ids else 0
        self._show_page()

    @property
    def _kind(self) -> str:
        return self.query_one("#kinds", Tabs).active.removeprefix("kind-")

    @property
    def _present(self) -> Entry | None:
        index = self.query_one(EntryList).highlighted
        in_range = index is not None and index < len(self._shown)
        return self._shown[index] if in_range and index is not None else None

    def on_resize(self) -> None:
        """Wrap the list at the new width."""
        self.call_after_refresh(self._list)

    # --------------------------------------------------------------------------- choosing
    @on(Tabs.TabActivated)
    def _kind_chosen(self) -> None:
        self._list()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._list()

    @on(Input.Submitted)
    def _found(self) -> None:
        self.query_one(EntryList).focus()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._show_page()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#page").focus()

    def _show_page(self) -> None:
        language, text = self.medic.language, self.query_one("#page-text", Prose)
        entry = self._present
        if self._knowledge is None:
            text.show([row(walk_texts.LOADING_RULES.get(language))])
        elif entry is None:
            nothing = self._kind == "fired" and not self._fired
            said = texts.NOTHING_FIRED if nothing else texts.NOTHING_FOUND
            text.show([row(said.get(language))])
        else:
            text.show(page(entry, self._knowledge, self._fired, language))
        self.query_one("#page").scroll_home(animate=False)

    # --------------------------------------------------------------------------- actions
    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#lookup-text").focus()

    def action_step(self, step: int) -> None:
        """Show the next or previous kind."""
        tabs, kinds = self.query_one("#kinds", Tabs), list(texts.KINDS)
        kind = kinds[(kinds.index(self._kind) + step) % len(kinds)]
        tabs.active = f"kind-{kind}"

    def action_edit(self) -> None:
        """Open the file where this is written."""
        from expert.tui.screens.editor import EditorScreen

        entry = self._present
        if entry is not None and self._knowledge is not None:
            place = self._knowledge.place(*entry.document)
            self.app.push_screen(EditorScreen(place.path, place.line, entry.document[1]))

    def action_leave(self) -> None:
        """Go back: from the page or the search to the list, then to where one was."""
        list_ = self.query_one(EntryList)
        if self.focused is list_ or self.focused is None:
            self.dismiss()
        else:
            list_.focus()


def _label(entry: Entry, language: Language) -> Content:
    mark = ("● ", "$accent") if entry.fired else ""
    return Content.assemble(mark, plain(entry.title.get(language)))
