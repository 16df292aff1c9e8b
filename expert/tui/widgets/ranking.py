"""The ranking as it is now: causes with certainty bars, and how far the last news moved them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from expert.diagnosis import Diagnosis
from expert.language import Language
from expert.tui.phrases import bar, certainty_style, fit, lines, plain
from expert.tui.texts import walk as texts
from expert.tui.wrapping import wrapped

_MOST = 12
_NOTICED = 0.005  # a smaller move is not shown


class Ranking(VerticalScroll, can_focus=False):
    """A panel with the causes that stand out."""

    DEFAULT_CSS = "Ranking { scrollbar-size-vertical: 1; } Ranking > Static { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="panel")
        self._diagnosis: Diagnosis | None = None
        self._moved: dict[str, float] = {}
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(markup=False)

    def show(self, diagnosis: Diagnosis | None, language: Language) -> None:
        """Show this ranking, with arrows where it differs from the one shown before."""
        if diagnosis is not None and diagnosis is not self._diagnosis:
            before = certainties(self._diagnosis) if self._diagnosis is not None else None
            now = certainties(diagnosis)
            self._moved = {} if before is None else _moves(before, now)
        if diagnosis is not None:
            self._diagnosis = diagnosis
        self._language = language
        self.border_title = Content(texts.RANKING.get(language))
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if width < 8:
            return
        self.query_one(Static).update(lines(self._rows(width)))

    def _rows(self, width: int) -> list[Content]:
        diagnosis, language = self._diagnosis, self._language
        ranked = [] if diagnosis is None else [*diagnosis.findings, *diagnosis.suspects]
        if not ranked:
            return wrapped(
                Content.styled(texts.NOTHING_RANKED.get(language), "$foreground 60%"), width
            )
        rows: list[Content] = []
        for finding in ranked[:_MOST]:
            sure = finding.certainty >= 0.5
            title = Content.styled(
                plain(finding.title.get(language)), "bold" if sure else "$foreground 60%"
            )
            rows += wrapped(title, width)
            rows.append(self._bar(finding.cause, finding.certainty, width))
        return rows

    def _bar(self, cause: str, certainty: float, width: int) -> Content:
        style = certainty_style(certainty)
        tail = Content.assemble(f" {certainty:.2f}", _arrow(self._moved.get(cause, 0.0)))
        room = max(3, min(16, width - 13))
        return fit(Content.assemble(bar(certainty, room, style), tail), width)


def certainties(diagnosis: Diagnosis) -> dict[str, float]:
    """Return the certainty of everything that is ranked."""
    return {f.cause: f.certainty for f in (*diagnosis.findings, *diagnosis.suspects)}


def _moves(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    return {cause: certainty - before.get(cause, 0.0) for cause, certainty in now.items()}


def _arrow(moved: float) -> tuple[str, str]:
    if abs(moved) < _NOTICED:
        return "", ""
    return (f" ▲{moved:.2f}", "$error") if moved > 0 else (f" ▼{-moved:.2f}", "$success")
