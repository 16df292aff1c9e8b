"""The first line of every screen: where one is, and the other language."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from expert.language import Language
from expert.tui import strings
from expert.tui.phrases import plain
from expert.tui.texts.walk import STEPS

_WIDE = 110  # cells from which on all steps are shown


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

    _spoken: tuple[Language, str, str, str | None] | None = None

    def on_resize(self) -> None:
        """Show as many steps as there is room for."""
        if self._spoken is not None:
            language, screen, subject, step = self._spoken
            self.speak(language, screen, subject, step=step)

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(id="place", markup=False)
        yield LanguageSwitch(markup=False)

    def speak(
        self, language: Language, screen: str, subject: str = "", *, step: str | None = None
    ) -> None:
        """Show the name of the screen and what it is about; for a `step` of the walk all steps."""
        self._spoken = language, screen, subject, step
        short = self.size.width < _WIDE
        name = Content.styled(screen, "bold")
        if step is not None:
            name = _steps(step, language, short=short)
        parts = [Content.styled("torchmedic", "bold $primary"), name]
        if subject:
            parts.append(Content(plain(subject)))
        place = Content.styled(" › ", "$foreground 60%").join(parts)
        self.query_one("#place", Static).update(place)
        self.query_one(LanguageSwitch).update(strings.OTHER_LANGUAGE.get(language))


def _steps(present: str, language: Language, *, short: bool) -> Content:
    """Return the steps of the walk, the present one marked; in little room only that."""
    if short:
        number = list(STEPS).index(present) + 1
        count = Content.styled(f" {number}/{len(STEPS)}", "$foreground 60%")
        return Content.styled(STEPS[present].get(language), "bold") + count
    names = [
        Content.styled(text.get(language), "bold" if step == present else "$foreground 45%")
        for step, text in STEPS.items()
    ]
    return Content.styled(" → ", "$foreground 45%").join(names)
