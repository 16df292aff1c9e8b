"""A field for a place (FILE.py:FUNC, a command, paths): completes, and tells what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from expert.language import Language, Text
from expert.tui.phrases import plain
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import row

Complete = Callable[[str], list[str]]
_SUGGESTIONS = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """What a field asks for: its texts, how input may go on, and what is wrong with it."""

    placeholder: Text
    hint: Text
    complete: Complete
    problem: Callable[[str], Text | None]


class PlaceSuggester(Suggester):
    """Suggests the first way in which the input may go on."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first way in which `value` may go on."""
        found = await asyncio.to_thread(self._complete, value) if value else []
        return found[0] if found else None


class PlaceInput(Input):
    """An input that takes its suggestion with tab, and moves on when there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete"),
        Binding("enter", "submit", "Begin"),
        Binding("down", "app.focus_next", "Next part", show=False),
        Binding("escape", "screen.leave_field", "Back"),
    ]

    def __init__(self, complete: Complete, *, id: str | None = None) -> None:
        super().__init__(id=id, suggester=PlaceSuggester(complete), select_on_focus=False)

    def action_complete(self) -> None:
        """Take the suggestion, or go to the next part of the screen."""
        if self._suggestion and self._suggestion != self.value and self.cursor_at_end:
            self.action_cursor_right()
        else:
            self.screen.focus_next()

    def on_paste(self, event: events.Paste) -> None:
        """Take a pasted path without the line end and quotes that often come with it."""
        event.prevent_default()
        event.stop()
        pasted = event.text.strip()
        quoted = len(pasted) > 1 and pasted[0] == pasted[-1] and pasted[0] in "'\""
        keeps = " " in pasted  # then the quotes hold a name with spaces together
        self.insert_text_at_cursor(pasted[1:-1] if quoted and not keeps else pasted)


class PlaceField(Vertical):
    """The input with a line below it that suggests or tells what is wrong."""

    class Given(Message):
        """A place was given that nothing seems wrong with."""

        def __init__(self, field: PlaceField, value: str) -> None:
            super().__init__()
            self.field = field
            self.value = value

        @property
        def control(self) -> PlaceField:
            """The field that it was given in."""
            return self.field

    def __init__(self, asked: Asked, *, id: str) -> None:
        super().__init__(id=id, classes="field")
        self._asked = asked
        self._problem: Text | None = None
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield PlaceInput(self._asked.complete, id=f"{self.id}-input")
        yield Prose(classes="hint")

    @property
    def input(self) -> PlaceInput:
        """The input itself."""
        return self.query_one(PlaceInput)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self._language = language
        self.input.placeholder = self._asked.placeholder.get(language)
        self._hint()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._problem = None
        self._hint()
        self._suggest(event.value)

    @work(exclusive=True, group="suggest")
    async def _suggest(self, value: str) -> None:
        found = await asyncio.to_thread(self._asked.complete, value) if value else []
        if self._problem is None and found:
            shown = "   ".join(plain(item) for item in found[:_SUGGESTIONS])
            more = " …" if len(found) > _SUGGESTIONS else ""
            self._say(Content.styled(shown + more, "$foreground 60%"))
        elif value and not found:  # nothing to add: either it is complete, or it is wrong
            self._problem = await asyncio.to_thread(self._asked.problem, value)
            self._hint()

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._problem = await asyncio.to_thread(self._asked.problem, event.value)
        self._hint()
        if self._problem is None:
            self.post_message(self.Given(self, event.value.strip()))

    def _hint(self) -> None:
        if self._problem is not None:
            said = "✗ " + plain(self._problem.get(self._language))
            self._say(Content.styled(said, "$text-error"))
        elif not self.input.value:
            said = self._asked.hint.get(self._language)
            self._say(Content.styled(said, "$foreground 60%"))
        else:
            self._say(Content())

    def _say(self, content: Content) -> None:
        self.query_one(Prose).show([row(content)])
