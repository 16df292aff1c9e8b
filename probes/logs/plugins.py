"""Readers of logs that other packages bring: the entry point group `torchmedic.log_readers`.

A reader is a function `(path, head) -> records or None`: `head` is what the file begins with, a
record a mapping of names to numbers, "step" and "epoch" among them; None: the file is not for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

from expert.language import Text
from probes.logs.series import Record, Remark
from probes.plug_ins import PlugIn, plug_ins

GROUP: Final = "torchmedic.log_readers"
Reader = Callable[[str, bytes], Iterable[Mapping[str, float]] | None]


@cache
def _found() -> tuple[tuple[PlugIn, ...], tuple[Text, ...]]:
    """Return the installed readers, and what is to be said of those that cannot be loaded."""
    warnings: list[Text] = []
    return tuple(plug_ins(GROUP, warnings.append)), tuple(warnings)


def installed_reader(path: str, head: bytes, remarks: list[Remark]) -> Iterator[Record] | None:
    """Return what the first installed reader that knows the file reads of it, None without one.

    A reader that fails is remarked on; the next one, or ours, reads the file.
    """
    readers, warnings = _found()
    told = {remark.text for remark in remarks}  # of the files before, in the same words
    remarks += [Remark(path, text) for text in warnings if text not in told]
    for plug_in in readers:
        try:
            records = cast(Reader, plug_in.value)(path, head)
        except Exception as error:
            remarks.append(_failed(plug_in, path, error))
            continue
        if records is not None:
            return _guarded(records, plug_in, path, remarks)
    return None


def _guarded(
    records: Iterable[Mapping[str, Any]], plug_in: PlugIn, path: str, remarks: list[Remark]
) -> Iterator[Record]:
    try:
        for record in records:
            yield {str(name): float(value) for name, value in record.items()}
    except Exception as error:
        remarks.append(_failed(plug_in, path, error))


def _failed(plug_in: PlugIn, path: str, error: Exception) -> Remark:
    why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return Remark(
        path,
        Text(
            f"the reader {plug_in.name} of the package {plug_in.distribution} failed ({why})",
            f"软件包 {plug_in.distribution} 的读取器 {plug_in.name} 失败（{why}）",
        ),
    )
