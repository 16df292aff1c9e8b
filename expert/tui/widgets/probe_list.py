"""The probes of an examination with their state, as a table that fills its width."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from expert.language import Language
from expert.tui import strings
from expert.tui.phrases import ICONS, bar, fit, lines, plain
from expert.tui.progress import ProbeState
from expert.tui.wrapping import wrapped

_SPINNER = "◐◓◑◒"
_SECONDS_WIDTH = 9
_NARROW, _BAR_NARROW, _BAR_WIDE = 64, 8, 16


class ProbeList(VerticalScroll):
    """One line per probe: sign, title, bar, seconds; below it the reason if it did not run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._probes: Sequence[ProbeState] = ()
        self._language: Language = "en"
        self._spinner = cycle(_SPINNER)
        self._rows: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(markup=False)

    def show(self, probes: Sequence[ProbeState], language: Language) -> None:
        """Show `probes` as they are now."""
        self._probes, self._language = probes, language
        self._redraw()

    def follow(self, probe: ProbeState) -> None:
        """Scroll so that `probe` and its neighbours can be seen."""
        row, height = self._rows.get(probe.id, 0), self.size.height
        if height and not self.scroll_offset.y <= row < self.scroll_offset.y + height - 1:
            self.scroll_to(y=max(0, row - height // 2), animate=False)

    @on(Resize)
    def _resized(self) -> None:
        self._redraw()

    def _redraw(self) -> None:
        width = self.scrollable_content_region.width
        if width < 20:
            return
        rows: list[Content] = []
        turning = next(self._spinner) if self.app.animation_level != "none" else "▸"
        for probe in self._probes:
            self._rows[probe.id] = len(rows)
            rows += self._lines(probe, width, turning)
        self.query_one(Static).update(lines(rows))

    def _lines(self, probe: ProbeState, width: int, turning: str) -> list[Content]:
        sign, style = ICONS[probe.status]
        if probe.status == "running":
            sign = turning
        size = _BAR_NARROW if width < _NARROW else _BAR_WIDE
        title_style = "bold" if probe.status == "running" else ""
        if probe.status in ("waiting", "stopped", "skipped"):
            title_style = "$foreground 60%"
        title = Content.styled(probe.title.get(self._language), title_style)
        state = fit(self._state(probe, size), size)
        room = width - 2 - size - 1 - _SECONDS_WIDTH
        row = Content.assemble(
            (f"{sign} ", style), fit(title, room - 1), " ", state, " ", self._seconds(probe)
        )
        if probe.reason is None:
            return [row]
        said = "  " + plain(probe.reason.get(self._language))
        return [row, *wrapped(Content.styled(said, "italic $foreground 60%"), width, 2)]

    def _state(self, probe: ProbeState, size: int) -> Content:
        if probe.status == "running":
            return bar(probe.progress, size, "$accent")
        if probe.status == "done":
            return bar(1.0, size, "$success")
        return Content.styled(
            strings.STATUS[probe.status].get(self._language), ICONS[probe.status][1]
        )

    def _seconds(self, probe: ProbeState) -> Content:
        if probe.status in ("waiting", "skipped", "stopped"):
            return Content(" " * _SECONDS_WIDTH)
        text = Content.styled(_short(probe.seconds, self._language), "$foreground 60%")
        return Content(" " * max(0, _SECONDS_WIDTH - text.cell_length)) + text


def _short(seconds: float, language: Language) -> str:
    if seconds >= 100:
        return strings.duration(seconds, language)
    return strings.SECONDS.get(language).format(n=f"{seconds:.1f}")
