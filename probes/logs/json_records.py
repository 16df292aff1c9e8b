"""JSON Lines, JSON arrays of objects, and trainer_state.json of Transformers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from expert.language import Text
from probes.logs.series import Record, Remark

_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 22  # characters of one object


def read_json(text: io.TextIOBase, source: str, remarks: list[Remark]) -> Iterator[Record]:
    """Yield a record for every object: one per line, in an array, or in `log_history`."""
    left_out = 0
    for found in _objects(text):
        record = dict(_numbers(found)) if isinstance(found, dict) else {}
        if record:
            yield record
        elif not isinstance(found, dict):
            left_out += 1
    if left_out:
        remarks.append(_cut_short(source, left_out))


def _objects(text: io.TextIOBase) -> Iterator[object]:
    """Yield the objects one by one; None for a piece that is no JSON.

    Reads in pieces: a file of any size is never in memory at once, and one that was cut short gives
    all that is whole.
    """
    decoder = json.JSONDecoder()
    buffer = text.read(_CHUNK)
    at = max(buffer.find('"log_history"'), 0)  # of trainer_state.json only the history counts
    while True:
        start = buffer.find("{", at)
        if start >= 0:
            try:
                found, at = decoder.raw_decode(buffer, start)
                yield found
                continue
            except (ValueError, RecursionError):
                broken = _next_line(buffer, start)
                if broken is not None:
                    yield None
                    at = broken
                    continue
        piece = text.read(_CHUNK)
        rest = buffer[start:] if start >= 0 else ""
        if rest and (not piece or len(rest) > _LONGEST):
            yield None
            rest = ""
        if not piece:
            return
        buffer, at = rest + piece, 0


def _next_line(buffer: str, start: int) -> int | None:
    """Return where the next object begins if the one at `start` can never be completed."""
    at = buffer.find("\n{", start)
    return at + 1 if at >= 0 else None


def _numbers(found: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of an object by name, nested ones as "outer/inner"."""
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, _as_float(value)
        elif isinstance(value, str):
            try:
                yield name, float(value)  # newer Transformers print numbers as text
            except ValueError:
                continue
        elif isinstance(value, dict):
            yield from _numbers(value, f"{name}/")


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _cut_short(source: str, count: int) -> Remark:
    return Remark(
        source,
        Text(
            f"{count} piece{'s' * (count > 1)} of it {'are' if count > 1 else 'is'} no whole JSON "
            "object (cut short?) and was left out; all the rest was read",
            f"有 {count} 处不是完整的 JSON 对象（可能被截断），已略过；其余部分均已读取",
        ),
    )
