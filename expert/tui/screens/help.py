"""Help on one screen: what it is for, and the keys that work on it now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from expert.language import Language, Text
from expert.tui import strings
from expert.tui.phrases import heading
from expert.tui.screens.talking import TalkingDialog
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import Row, row

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

_KEYS_WIDTH = 16


class HelpScreen(TalkingDialog[None]):
    """Made from the key bindings that are active below it, so it is never out of date."""

    NAME = strings.HELP
    EXPLANATION = strings.HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "Close", key_display="esc")
    ]

    def __init__(self, name: Text, explanation: Text, bindings: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._title = name
        self._explanation = explanation
        self._keys = bindings

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        with VerticalScroll(classes="dialog"):
            yield Prose(id="help-text")

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        box = self.query_one(".dialog")
        box.border_title = Content(f"{strings.HELP.get(language)} › {self._title.get(language)}")
        box.border_subtitle = Content(strings.CLOSE_HINT.get(language))
        rows = [
            row(self._explanation.get(language)),
            row(),
            row(heading(strings.KEYS.get(language))),
            *self._rows(language),
        ]
        self.query_one("#help-text", Prose).show(rows)

    def _rows(self, language: Language) -> Iterable[Row]:
        by_description: dict[str, list[str]] = {}
        for active in self._keys.values():
            description = active.binding.description
            if description in strings.KEY_DESCRIPTIONS and active.enabled:
                key = self.app.get_key_display(active.binding)
                keys = by_description.setdefault(description, [])
                if key not in keys:
                    keys.append(key)
        for description, keys in by_description.items():
            shown = Content.styled("  " + " ".join(keys), "bold $accent")
            gap = " " * max(1, _KEYS_WIDTH - shown.cell_length)
            said = strings.key_description(description, language)
            yield row(Content.assemble(shown, gap, said), _KEYS_WIDTH)

    def action_close(self) -> None:
        """Go back to the screen."""
        self.dismiss()
