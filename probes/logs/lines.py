"""The lines of a log, whatever its length, encoding and line ends."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, Final

_LONGEST: Final = 1 << 20  # characters; a longer line is no line of a log
_MARKS: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(head: bytes) -> str:
    """Return the encoding that a byte order mark tells (PowerShell writes UTF-16), or UTF-8."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8-sig")


def as_text(stream: BinaryIO, head: bytes) -> io.TextIOWrapper:
    """Return the stream as text; what is no character becomes U+FFFD."""
    return io.TextIOWrapper(stream, encoding=encoding_of(head), errors="replace", newline=None)


def lines_of(text: io.TextIOBase) -> Iterator[str]:
    """Yield the lines, a carriage return (progress bars) ending one too; at most 1 MiB each."""
    while line := text.readline(_LONGEST):
        yield line
        while len(line) == _LONGEST and not line.endswith("\n"):
            line = text.readline(_LONGEST)
