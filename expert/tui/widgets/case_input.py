"""The field for FILE.py:FUNC: completes while typing, and says what is wrong at once."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from expert.tui.case_place import completions


class PlaceSuggester(Suggester):
    """Suggests folders, Python files and their functions."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first way in which `value` may go on."""
        found = await asyncio.to_thread(completions, value) if value else []
        return found[0] if found else None


class CaseInput(Input):
    """An input that takes its suggestion with tab, and moves on when there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete"),
        Binding("enter", "submit", "Examine"),
        Binding("escape", "screen.leave_field", "Back"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, suggester=PlaceSuggester(), select_on_focus=False)

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
        self.insert_text_at_cursor(event.text.strip().strip("'\""))
