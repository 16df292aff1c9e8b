"""The first line of every screen: where one is, and the other language."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from expert.language import Language
from expert.tui import strings
from expert.tui.phrases import plain


class LanguageSwitch(Static):
    """Shows the name of the other language; a click switches to it."""

    async def on_click(self) -> None:
        """Switch the language."""
        await self.run_action("app.switch_language")


class TitleBar(Horizontal):
    """torchmedic › Diagnosis › train.py:case                              中文."""

    DEFAULT_CSS = """
    TitleBar {
        height: 1;
        background: $panel;
        padding: 0 1;
        & #place { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & LanguageSwitch { width: auto; height: 1; padding: 0 1; color: $foreground 60%; }
        & LanguageSwitch:hover { background: $block-hover-background; color: $text; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(id="place", markup=False)
        yield LanguageSwitch(markup=False)

    def speak(self, language: Language, screen: str, subject: str = "") -> None:
        """Show the name of the screen and what it is about."""
        parts = [Content.styled("torchmedic", "bold $primary"), Content.styled(screen, "bold")]
        if subject:
            parts.append(Content(plain(subject)))
        place = Content.styled(" › ", "$foreground 60%").join(parts)
        self.query_one("#place", Static).update(place)
        self.query_one(LanguageSwitch).update(strings.OTHER_LANGUAGE.get(language))
