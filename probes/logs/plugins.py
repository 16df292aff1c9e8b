"""Readers of logs that other packages bring: the entry point group `torchmedic.log_readers`.

A reader is a function `(path, head) -> records or None`: `head` is what the file begins with, a
record a mapping of names to numbers, "step" and "epoch" among them; None: the file is not for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from expert.language import Text
from probes.logs.series import Record, Remark

GROUP: Final = "torchmedic.log_readers"
Reader = Callable[[str, bytes], Iterable[Mapping[str, float]] | None]


@cache
def _found() -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=GROUP), key=lambda entry: entry.name))


def installed_reader(path: str, head: bytes, remarks: list[Remark]) -> Iterator[Record] | None:
    """Return what the first installed reader that knows the file reads of it, None without one.

    A reader that fails is remarked on; the next one, or ours, reads the file.
    """
    for entry in _found():
        try:
            reader = cast(Reader, entry.load())
            records = reader(path, head)
        except Exception as error:
            remarks.append(_failed(entry, path, error))
            continue
        if records is not None:
            return _guarded(records, entry, path, remarks)
    return None


def _guarded(
    records: Iterable[Mapping[str, Any]], entry: EntryPoint, path: str, remarks: list[Remark]
) -> Iterator[Record]:
    try:
        for record in records:
            yield {str(name): float(value) for name, value in record.items()}
    except Exception as error:
        remarks.append(_failed(entry, path, error))


def _failed(entry: EntryPoint, path: str, error: Exception) -> Remark:
    why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    by = entry.dist.name if entry.dist is not None else entry.value
    return Remark(
        path,
        Text(
            f"the reader {entry.name} of the package {by} failed ({why})",
            f"软件包 {by} 的读取器 {entry.name} 失败（{why}）",
        ),
    )
