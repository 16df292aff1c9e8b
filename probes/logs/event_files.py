"""TensorBoard event files, read without TensorBoard: one record at a time, every scalar.

TensorBoard's own reader keeps a random sample of the points, in memory. The format is public:
records of TFRecord (length, checksum, data, checksum) that hold `Event` messages (event.proto,
summary.proto, tensor.proto); scalars are plain numbers or, written by TensorFlow 2, tensors.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from expert.language import Text
from probes.logs.series import Record, Remark

_LARGEST: Final = 1 << 16  # bytes; larger records hold images, graphs or text
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_Field = int | bytes


def is_event_file(head: bytes) -> bool:
    """Return whether a file that begins so is one: its first length has the right checksum."""
    if len(head) < 12:
        return False
    return _masked_crc(head[:8]) == int(struct.unpack("<I", head[8:12])[0])


def read_events(stream: BinaryIO, source: str, remarks: list[Remark]) -> Iterator[Record]:
    """Yield a record for every event that holds scalars."""
    while head := stream.read(12):
        length = int.from_bytes(head[:8], "little")
        sound = len(head) == 12 and _masked_crc(head[:8]) == int.from_bytes(head[8:], "little")
        if not sound:
            remarks.append(_damaged(source))
            return
        if length > _LARGEST:
            whole = _skip(stream, length + 4)
        else:
            data = stream.read(length + 4)
            whole = len(data) == length + 4
            if whole:
                yield from _scalars(data[:length])
        if not whole:
            remarks.append(_damaged(source))
            return


def _skip(stream: BinaryIO, count: int) -> bool:
    while count:
        piece = stream.read(min(count, _LARGEST))
        if not piece:
            return False
        count -= len(piece)
    return True


def _scalars(event: bytes) -> Iterator[Record]:
    step = 0
    record: Record = {}
    try:
        for number, value in fields(event):
            if number == 2 and isinstance(value, int):
                step = value if value < 1 << 63 else value - (1 << 64)
            elif number == 5 and isinstance(value, bytes):
                record |= dict(_values(value))
    except (struct.error, IndexError, ValueError):  # no message of ours
        return
    if record:
        yield {"step": float(step), **record}


def _values(summary: bytes) -> Iterator[tuple[str, float]]:
    for number, value in fields(summary):
        if number != 1 or not isinstance(value, bytes):
            continue
        found = dict(fields(value))
        tag, simple, tensor = found.get(1), found.get(2), found.get(8)
        if not isinstance(tag, bytes):
            continue
        scalar: float | None = None
        if isinstance(simple, bytes):
            scalar = struct.unpack("<f", simple)[0]
        elif isinstance(tensor, bytes):
            scalar = _tensor(dict(fields(tensor)))
        if scalar is not None:
            yield tag.decode("utf-8", "replace"), scalar


#: dtype of TensorProto -> (struct code, field of the repeated values)
_TYPES: Final = {1: ("<f", 5), 2: ("<d", 6), 3: ("<i", 7), 9: ("<q", 10), 19: ("<e", 13)}


def _tensor(tensor: dict[int, _Field]) -> float | None:
    """Return the number in a tensor of one element."""
    dtype = tensor.get(1)
    if not isinstance(dtype, int) or dtype not in _TYPES:
        return None
    code, number = _TYPES[dtype]
    content = tensor.get(4) or tensor.get(number)
    if isinstance(content, bytes) and len(content) == struct.calcsize(code):
        return float(struct.unpack(code, content)[0])
    return float(content) if isinstance(content, int) and dtype in (3, 9) else None


def fields(message: bytes) -> Iterator[tuple[int, _Field]]:
    """Yield (field number, value) of a protocol buffer message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)  # Castagnoli
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc_table()


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _damaged(source: str) -> Remark:
    return Remark(
        source,
        Text(
            "its end is cut short or damaged; everything before that was read",
            "文件末尾被截断或已损坏；在此之前的内容均已读取",
        ),
    )
