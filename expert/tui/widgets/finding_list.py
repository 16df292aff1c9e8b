"""The ranked findings: title, certainty bar, and what they come from; suspects dimmed below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from expert.diagnosis import Diagnosis, Finding
from expert.language import Language
from expert.tui import strings
from expert.tui.outline import Entry, outline
from expert.tui.phrases import bar, certainty_style, lines, plain, verdict
from expert.tui.wrapping import wrapped

HEALTHY = "healthy"  # the id of the entry that says that nothing was found
_BAR = 10
_NARROWEST = 12


class FindingList(OptionList):
    """Lets a person choose a finding; `highlighted` messages carry the cause as option id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", show=False),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._entries: list[Entry] = []
        self._shown: tuple[Diagnosis, Language] | None = None

    @property
    def finding(self) -> Finding | None:
        """The highlighted finding; None on the entry that says that nothing was found."""
        if self.highlighted is None:
            return None
        id_ = self.get_option_at_index(self.highlighted).id
        return next((e.finding for e in self._entries if e.finding.cause == id_), None)

    def show(self, diagnosis: Diagnosis, language: Language) -> None:
        """List the findings of `diagnosis`, keeping the highlight where it was."""
        before = self.finding
        self._shown = diagnosis, language
        self._entries = [*outline(diagnosis.findings), *outline(diagnosis.suspects)]
        self.clear_options()
        self.add_options(list(self._options_of(diagnosis, language)))
        ids = [option.id for option in self.options]
        kept = before is not None and before.cause in ids
        self.highlighted = ids.index(before.cause) if before and kept else self._first()

    @on(Resize)
    def _resized(self, event: Resize) -> None:
        if self._shown is not None:  # the hanging indents depend on the width
            self.show(*self._shown)

    def _first(self) -> int | None:
        enabled = (i for i, option in enumerate(self.options) if not option.disabled)
        return next(enabled, None)

    def _options_of(self, diagnosis: Diagnosis, language: Language) -> Iterator[Option]:
        width = self.scrollable_content_region.width - 2  # the padding of an option
        if not diagnosis.findings:
            yield Option(verdict(diagnosis, language), id=HEALTHY)
        for entry in outline(diagnosis.findings):
            yield Option(told_briefly(entry, language, width), id=entry.finding.cause)
        if diagnosis.suspects:
            title = strings.SUSPECTS.get(language)
            yield Option(Content.styled(f"\n{title}", "italic $foreground 60%"), disabled=True)
        for entry in outline(diagnosis.suspects):
            yield Option(told_briefly(entry, language, width, dim=True), id=entry.finding.cause)


def told_briefly(entry: Entry, language: Language, width: int = 0, *, dim: bool = False) -> Content:
    """Return title and certainty of a finding; a consequence hangs below its root cause.

    With a `width` (in cells) lines are wrapped to it.
    """
    finding = entry.finding
    lead = "  " * (entry.depth - 1) + "└ " if entry.depth else ""
    hang = " " * len(lead)
    title = plain(finding.title.get(language))
    title_style = "$foreground 60%" if dim else "bold"
    rows = [Content.assemble((lead, "$foreground 60%"), (title, title_style))]
    if entry.parent is not None:
        said = strings.BECAUSE_OF.get(language).format(title=entry.parent.title.get(language))
        rows.append(Content.styled(hang + plain(said), "italic $foreground 60%"))
    style = "$foreground 60%" if dim else certainty_style(finding.certainty)
    rows.append(
        Content.assemble(hang, bar(finding.certainty, _BAR, style), f" {finding.certainty:.2f}")
    )
    if width < _NARROWEST:
        return lines(rows)
    hangs = (len(lead), *(len(hang) for _ in rows[1:]))
    return lines(w for r, h in zip(rows, hangs, strict=True) for w in wrapped(r, width, h))
