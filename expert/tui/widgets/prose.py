"""Text that is wrapped well in both languages, with hanging indents."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from expert.tui.wrapping import Row, wrapped


class Prose(Widget):
    """Shows rows of text; as high as they need."""

    DEFAULT_CSS = "Prose { height: auto; width: 1fr; }"

    def __init__(
        self, rows: Iterable[Row] = (), *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._rows = tuple(rows)
        self._cache: tuple[int, Content] | None = None

    def show(self, rows: Iterable[Row]) -> None:
        """Replace the text."""
        self._rows, self._cache = tuple(rows), None
        self.refresh(layout=True)

    @property
    def plain(self) -> str:
        """The text as it is, before it is wrapped."""
        return "\n".join(row.content.plain for row in self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines at `width`."""
        return self._at(width).plain.count("\n") + 1

    def render(self) -> Content:
        """Return the text, wrapped to the width at hand."""
        return self._at(self.content_size.width)

    def _at(self, width: int) -> Content:
        if self._cache is None or self._cache[0] != width:
            lines = [line for row in self._rows for line in wrapped(row.content, width, row.hang)]
            self._cache = width, Content("\n").join(lines)
        return self._cache[1]
