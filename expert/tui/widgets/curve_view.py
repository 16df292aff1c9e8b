"""A chart as a widget: fills its width, drawn again for every size."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from expert.tui.chart import Line, chart
from expert.tui.phrases import plain
from expert.tui.sessions.curves import Point

Band = tuple[Sequence[Point], Sequence[Point]]
Named = tuple[str, Sequence[Point], str]  # name, points, style


class CurveView(Widget):
    """Draws curves; as high as its style says, empty while there is nothing to draw."""

    DEFAULT_CSS = "CurveView { height: 13; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._curves: list[Named] = []
        self._x_name = ""
        self._band: Band | None = None

    def show(self, curves: Sequence[Named], x_name: str = "", band: Band | None = None) -> None:
        """Draw `curves`, each as (name, points, style); those without points are left out.

        `band`: two curves between which the field is dotted.
        """
        self._band = band
        self._curves = [(name, list(points), style) for name, points, style in curves if points]
        self._x_name = x_name
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the rows that the chart takes."""
        return len(self._rows(width, 13))

    def render(self) -> Content:
        """Return the chart."""
        return Content("\n").join(self._rows(self.size.width, self.size.height))

    def _rows(self, width: int, height: int) -> list[Content]:
        lines = [Line(points, plain(name), style) for name, points, style in self._curves]
        return chart(lines, width, height, x_name=self._x_name, band=self._band)
