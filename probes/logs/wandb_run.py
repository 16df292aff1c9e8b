"""Offline runs of Weights & Biases (`run-*.wandb`), read without its package.

A header of seven bytes, then records in LevelDB's log format (blocks of 32 KiB; checksum, length,
kind, data), each a protocol buffer `Record` of wandb/proto/wandb_internal.proto. Of these only
`history` holds what was logged: its items have a key (or nested keys) and a value as JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from expert.language import Text
from probes.logs.event_files import fields
from probes.logs.series import Record, Remark

_MAGIC: Final = b":W&B"
_HEADER: Final = 7  # bytes, of the file and of each piece of a record
_BLOCK: Final = 1 << 15
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_LARGEST: Final = 1 << 22  # bytes of a record; larger ones hold tables or media
_HISTORY: Final = 2  # fields of Record, HistoryRecord and HistoryItem
_ITEM: Final = 1
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16


def is_wandb_file(head: bytes) -> bool:
    """Return whether a file that begins so is an offline run."""
    return head.startswith(_MAGIC)


def read_wandb(stream: BinaryIO, source: str, remarks: list[Remark]) -> Iterator[Record]:
    """Yield a record per logged step; what cannot be read of the end is remarked on."""
    try:
        for data in _records(stream):
            record = dict(_logged(data))
            if record:
                yield record
    except (ValueError, IndexError, struct.error):
        text = Text(
            "its end is cut short or damaged; everything before that was read",
            "文件末尾被截断或已损坏；在此之前的内容均已读取",
        )
        remarks.append(Remark(source, text))


def _records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield whole records; raises ValueError where the file is cut short or damaged."""
    stream.read(_HEADER)
    at, parts, size = _HEADER, list[bytes](), 0
    while True:
        if _BLOCK - at % _BLOCK < _HEADER:  # no room for another: the block is filled up
            at += len(stream.read(_BLOCK - at % _BLOCK))
        head = stream.read(_HEADER)
        if not head:
            if parts:
                raise ValueError("the last record is not whole")
            return
        _, length, kind = struct.unpack("<IHB", head)
        data = stream.read(length)
        if len(data) < length or not _WHOLE <= kind <= _LAST:
            raise ValueError("a piece is not whole")
        at += _HEADER + length
        if kind in (_WHOLE, _FIRST):
            parts, size = [], 0
        size += length
        if size <= _LARGEST:
            parts.append(data)
        if kind in (_WHOLE, _LAST):
            if size <= _LARGEST:
                yield b"".join(parts)
            parts = []


def _logged(record: bytes) -> Iterator[tuple[str, float]]:
    for number, history in fields(record):
        if number != _HISTORY or not isinstance(history, bytes):
            continue
        for kind, item in fields(history):
            if kind == _ITEM and isinstance(item, bytes):
                yield from _number(item)


def _number(item: bytes) -> Iterator[tuple[str, float]]:
    name, nested, value = "", list[str](), ""
    for number, content in fields(item):
        if isinstance(content, bytes):
            text = content.decode("utf-8", "replace")
            if number == _KEY:
                name = text
            elif number == _NESTED_KEY:
                nested.append(text)
            elif number == _VALUE:
                value = text
    name = name or "/".join(nested)
    try:
        found = json.loads(value)  # which takes NaN and Infinity, too
    except ValueError:
        return
    if isinstance(found, dict):
        inner = ((f"{name}/{key}", part) for key, part in found.items())
        yield from ((key, float(part)) for key, part in inner if isinstance(part, int | float))
    elif isinstance(found, int | float) and not isinstance(found, bool):
        if name == "_step":
            yield "step", float(found)
        elif not name.startswith("_"):
            yield name, float(found)
