"""Where lines of English and Chinese text may end.

Textual breaks lines at spaces only, which leaves Chinese text ragged. Here a line may also end
between two Chinese characters, but none begins with a closing mark or ends with an opening one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

_OPENING = "（「『《“【"
_CLOSING = "，。、；：？！）」』》”】…％"
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNIT = re.compile(
    rf"\s+|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENING}{_CLOSING}]+)[{_CLOSING}]*"
    rf"|[{_OPENING}{_CLOSING}]+"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A paragraph; its lines after the first are indented by `hang` cells."""

    content: Content
    hang: int = 0


def row(text: str | Content = "", hang: int = 0) -> Row:
    """Return a row; a string is taken as it is, never as markup."""
    return Row(Content(text) if isinstance(text, str) else text, hang)


def wrapped(content: Content, width: int, hang: int = 0) -> list[Content]:
    """Return the lines of `content`, each at most `width` cells; all but the first indented."""
    lines: list[Content] = []
    for paragraph in content.split("\n", allow_blank=True):
        first = width - hang if lines else width
        for start, end in _spans(paragraph.plain, first, width - hang):
            line = paragraph[start:end]
            lines.append(Content(" " * hang) + line if lines and hang else line)
    return lines


def _spans(text: str, first: int, rest: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line; the first may be `first` cells wide, the others `rest`."""
    room = max(first, 2)
    start = end = used = 0
    for unit in _units(text, max(min(first, rest), 2)):
        cells = cell_len(unit)
        if used + cells > room and not unit.isspace():
            yield start, start + len(text[start:end].rstrip())
            start, used, room = end, 0, max(rest, 2)
        if (
            unit.isspace() and used == 0 and start
        ):  # a line does not begin with the space it broke at
            start += len(unit)
        else:
            used += cells
        end += len(unit)
    yield start, start + len(text[start:end].rstrip())


def _units(text: str, width: int) -> Iterator[str]:
    """Yield the pieces that stay together; one that is too long for any line is cut."""
    for match in _UNIT.finditer(text):
        piece = match.group()
        while cell_len(piece) > width and not piece.isspace():
            cut = _fitting(piece, width)
            yield piece[:cut]
            piece = piece[cut:]
        yield piece


def _fitting(text: str, width: int) -> int:
    """Return how many characters of `text` fit into `width` cells, at least one."""
    used = 0
    for i, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return max(i, 1)
    return len(text)
