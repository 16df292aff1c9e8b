"""One fix: what to do with this case's numbers, the code to paste, how to see that it worked."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from expert.diagnosis import Remedy
from expert.language import Language
from expert.report import words
from expert.tui import strings
from expert.tui.phrases import code, plain
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import row


class CopyLabel(Static):
    """A click copies the code below it."""

    class Clicked(Message):
        """The label was clicked."""

    def on_click(self) -> None:
        """Ask for the copy."""
        self.post_message(self.Clicked())


class FixCard(Vertical, can_focus=True):
    """A fix that can be focused; `y` then copies its code."""

    class CopyAsked(Message):
        """The code of a fix shall be copied."""

        def __init__(self, card: FixCard) -> None:
            super().__init__()
            self.card = card

    def __init__(self, fix: Remedy, number: int, language: Language) -> None:
        super().__init__(classes="fix")
        self.fix = fix
        self._number = number
        self._language = language

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        language = self._language
        label = strings.FIX_NUMBER.get(language).format(n=self._number)
        with Horizontal(classes="fix-head"):
            title = plain(self.fix.title.get(language))
            yield Static(
                Content.assemble((f"{label}  ", "$foreground 60%"), (title, "bold")),
                classes="fix-title",
                markup=False,
            )
            if self.fix.code:
                yield CopyLabel(strings.COPY.get(language), classes="copy", markup=False)
        if self.fix.tried is not None:
            sign, style = ("✓", "$success") if self.fix.tried.improved else ("✗", "$error")
            colon = strings.COLON.get(language)
            said = f"{words.TRIED.get(language)}{colon}{words.tried(self.fix.tried, language)}"
            yield Prose([row(Content.assemble((f"{sign} ", f"bold {style}"), said), 2)])
        yield Prose([row(plain(self.fix.instructions.get(language)))])
        if self.fix.code:
            yield Static(code(self.fix.code), classes="code", markup=False)
        verify = plain(self.fix.verify.get(language))
        lead = (strings.VERIFY.get(language), "bold $success")
        yield Prose([row(Content.assemble(lead, verify))])

    @on(CopyLabel.Clicked)
    def _ask(self, event: CopyLabel.Clicked) -> None:
        event.stop()
        self.post_message(self.CopyAsked(self))
