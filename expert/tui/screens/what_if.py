"""WHAT IF: give a measured or answered fact another value and see how the ranking would move."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from expert.language import Language, Text
from expert.observation import Observation, Scalar
from expert.template import number
from expert.tui.phrases import bar, certainty_style, plain, value_text
from expert.tui.screens.talking import TalkingScreen
from expert.tui.texts import diagnosis as texts
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import Row, row

if TYPE_CHECKING:
    from expert.inference.explain import Change
    from expert.knowledge.schema import FactType
    from expert.tui.reasoning import Reasoned

_BAR = 8
_FACTORS = (0.01, 0.1, 10.0, 100.0)


class FactList(OptionList):
    """Facts that could be otherwise."""

    BINDINGS: ClassVar[list[BindingType]] = [*VI_KEYS]


class ValueList(OptionList):
    """Values that a fact could have."""

    BINDINGS: ClassVar[list[BindingType]] = [*VI_KEYS]


class WhatIfScreen(TalkingScreen[None]):
    """Nothing of the session changes."""

    NAME = texts.WHAT_IF
    EXPLANATION = texts.WHAT_IF_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="search"),
        Binding("escape", "leave", "Back", id="back"),
    ]
    AUTO_FOCUS = "FactList"

    class Followed(Message):
        """What would follow."""

        def __init__(self, changes: tuple[Change, ...]) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, reasoned: Reasoned) -> None:
        super().__init__()
        self._knowledge = reasoned.questionnaire.knowledge
        self._seen = {o.name: o for o in reasoned.questionnaire.observations}
        told = (*reasoned.diagnosis.findings, *reasoned.diagnosis.suspects)
        self._rested = list(
            dict.fromkeys(f.name for one in told for piece in one.evidence for f in piece.facts)
        )
        self._names = list(dict.fromkeys(self._changeable()))
        self._name: str | None = None
        self._values: list[Scalar] = []
        self._supposed: Observation | None = None
        self._changes: tuple[Change, ...] | None = None
        self._wrong: str = ""

    def _changeable(self) -> Iterator[str]:
        """Yield what findings rest on, then answers, other single values, what could be asked."""
        measured = set(self._single())
        yield from (name for name in self._rested if name in measured)
        asked = [
            name
            for question in self._knowledge.questions.values()
            for choice in question.choices
            for name in choice.sets
        ]
        known = list(dict.fromkeys(asked))
        yield from (name for name in known if name in self._seen)
        yield from self._single()
        yield from (name for name in known if name not in self._seen)

    def _single(self) -> Iterator[str]:
        """Yield what has one value for which others can be chosen."""
        for name, seen in self._seen.items():
            fact = self._knowledge.facts.get(name)
            if fact is None or isinstance(seen.value, tuple):
                continue
            if fact.type != "text" or fact.values:  # a path has no other values to choose from
                yield name

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Horizontal(id="supposing"):
            with Vertical(id="lookup"):
                yield Input(id="lookup-text", select_on_focus=False)
                yield FactList(id="facts-list", markup=False)
            with Vertical(id="supposed"):
                with VerticalScroll(id="fact-meaning", can_focus=False):
                    yield Prose(id="fact-text")
                yield ValueList(id="values", markup=False)
                yield Input(id="new-value", select_on_focus=False)
                with VerticalScroll(id="changes"):
                    yield Prose(id="changes-text")
        yield Footer(show_command_palette=False)

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language))
        self.query_one("#lookup-text", Input).placeholder = texts.SEARCH_FACTS.get(language)
        self.query_one("#new-value", Input).placeholder = texts.NEW_VALUE.get(language)
        self._list()
        self._tell(language)

    def _list(self) -> None:
        wanted = self.query_one("#lookup-text", Input).value.strip().lower()
        list_, language = self.query_one(FactList), self.medic.language
        width = max(list_.scrollable_content_region.width - 2, 16)
        list_.clear_options()
        for name in self._names:
            fact = self._knowledge.facts.get(name)
            meaning = fact.meaning.text if fact else Text("", "")
            if wanted and wanted not in f"{name} {meaning.en} {meaning.zh}".lower():
                continue
            seen = self._seen.get(name)
            unknown = texts.UNKNOWN.get(language)
            shown = (value_text(seen), "$primary") if seen else (unknown, "$foreground 45%")
            entry = Content.assemble(plain(name), " ", shown)
            list_.add_option(Option(entry.truncate(width, ellipsis=True), id=name))
        ids = [option.id for option in list_.options]
        if ids:
            list_.highlighted = ids.index(self._name) if self._name in ids else 0

    def on_resize(self) -> None:
        """Cut the list at the new width."""
        self.call_after_refresh(self._list)

    # --------------------------------------------------------------------------- choosing
    @on(Input.Changed, "#lookup-text")
    def _typed(self) -> None:
        self._list()

    @on(OptionList.OptionHighlighted, "#facts-list")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id != self._name:
            self._name, self._supposed, self._changes = event.option.id, None, None
            self._tell(self.medic.language)

    @on(OptionList.OptionSelected, "#facts-list")
    def _selected(self) -> None:
        values, field = self.query_one(ValueList), self.query_one("#new-value")
        (values if values.display else field).focus()

    @on(OptionList.OptionHighlighted, "#values")
    def _value(self, event: OptionList.OptionHighlighted) -> None:
        if self.query_one(ValueList).has_focus:
            self._suppose(self._values[event.option_index])

    @on(OptionList.OptionSelected, "#values")
    def _value_chosen(self, event: OptionList.OptionSelected) -> None:
        self._suppose(self._values[event.option_index])

    @on(Input.Submitted, "#new-value")
    def _number(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            value = float(text)
        except ValueError:
            said = texts.NOT_A_NUMBER.get(self.medic.language).format(value=plain(text))
            self.notify(said, severity="warning", markup=False)
            return
        fact = self._knowledge.facts.get(self._name or "")
        whole = fact is not None and fact.type == "integer" and math.isfinite(value)
        self._suppose(int(value) if whole else value)

    def _suppose(self, value: Scalar) -> None:
        if self._name is not None:
            self._supposed = Observation(self._name, value, origin="supposed")
            self._follow(self._supposed)

    @work(thread=True, exclusive=True, group="what-if", exit_on_error=False)
    def _follow(self, supposed: Observation) -> None:
        from expert.inference.explain import what_if

        _, changes = what_if(self._seen.values(), self._knowledge, [supposed])
        self.post_message(self.Followed(changes))

    @on(Followed)
    def _followed(self, message: Followed) -> None:
        self._changes = message.changes
        self._show_changes(self.medic.language)

    # ---------------------------------------------------------------------------- showing
    def _tell(self, language: Language) -> None:
        values, field = self.query_one(ValueList), self.query_one("#new-value", Input)
        fact = self._knowledge.facts.get(self._name or "")
        values.clear_options()
        values.display = field.display = False
        self.query_one("#fact-text", Prose).show(self._about(fact, language))
        if fact is not None:
            self._values = self._possible(fact)
            values.add_options([Option(Content(plain(_shown(value)))) for value in self._values])
            values.display = bool(self._values)
            field.display = fact.type in ("number", "integer")
            field.value = ""
        self._show_changes(language)

    def _about(self, fact: FactType | None, language: Language) -> list[Row]:
        if fact is None:
            return []
        seen = self._seen.get(fact.fact)
        shown = value_text(seen) if seen else texts.UNKNOWN.get(language)
        is_now = texts.IS_NOW.get(language).format(value=shown)
        return [
            row(Content.styled(plain(fact.fact), "bold")),
            row(plain(fact.meaning.text.get(language))),
            row(Content.styled(is_now, "$primary")),
        ]

    def _possible(self, fact: FactType) -> list[Scalar]:
        """Return other values of the fact: the other answers, the other side, other scales."""
        seen = self._seen.get(fact.fact)
        now = seen.value if seen is not None else None
        if fact.type == "flag":
            return [value for value in (True, False) if value is not now]
        if fact.type == "text":
            return [value for value in fact.values or () if value != now]
        if isinstance(now, (int, float)) and math.isfinite(now) and now != 0:
            scaled = [float(f"{now * factor:.3g}") for factor in _FACTORS]
            return [int(v) for v in scaled] if fact.type == "integer" else list(scaled)
        return []

    def _show_changes(self, language: Language) -> None:
        rows: list[Row] = []
        if self._supposed is not None and self._changes is not None:
            value = self._supposed.value
            assert not isinstance(value, tuple)
            said = texts.IF_IT_WERE.get(language).format(value=_shown(value))
            rows.append(row(Content.styled(plain(said), "bold $accent")))
            rows += [part for change in self._changes for part in _told(change, language)]
            if not self._changes:
                rows.append(row(texts.NOTHING_MOVES.get(language)))
        self.query_one("#changes-text", Prose).show(rows)

    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#lookup-text").focus()

    def action_leave(self) -> None:
        """Go back: from the value to the facts, then to the diagnosis."""
        list_ = self.query_one(FactList)
        if self.focused is list_ or self.focused is None:
            self.dismiss()
        else:
            list_.focus()


def _shown(value: Scalar) -> str:
    return str(value) if isinstance(value, (bool, str)) else number(value)


def _told(change: Change, language: Language) -> list[Row]:
    before, after = change.before or 0.0, change.after or 0.0
    style = "$error" if after > before else "$success"
    arrow = "▲" if after > before else "▼"
    bars = Content.assemble(
        "  ",
        bar(max(before, 0.0), _BAR, certainty_style(before)),
        f" {before:+.2f} → ",
        bar(max(after, 0.0), _BAR, certainty_style(after)),
        f" {after:+.2f}",
    )
    title = Content.assemble((f"{arrow} ", style), plain(change.title.get(language)))
    return [row(title, 2), row(bars)]
