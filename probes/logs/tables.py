"""Tables: CSV with any delimiter, one row per record, cells left empty where nothing was logged."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from expert.language import Text
from probes.logs.names import meaning_of
from probes.logs.series import Record, Remark

_DELIMITERS: Final = (",", "\t", ";", "|", " ")
_LONGEST_ROW: Final = 100_000  # characters; what the csv module takes
_MISSING: Final = frozenset({"", "-", "none", "null", "na", "n/a"})
_HEADERLESS: Final = {1: ("loss",), 2: ("step", "loss"), 3: ("step", "train_loss", "val_loss")}


def delimiter_of(sample: Sequence[str]) -> str | None:
    """Return the delimiter that makes a table of these lines, or None."""
    lines = [x for x in sample if x.strip() and not x.startswith("#") and len(x) < _LONGEST_ROW]
    if not lines:
        return None
    if _is_numbers(lines[0], None) and all(_is_numbers(line, None) for line in lines[:-1]):
        return "\n"  # one number per line
    for delimiter in _DELIMITERS:
        if _is_table(lines, delimiter):
            return delimiter
    if meaning_of(lines[0]).kind != "other" and all(
        _is_numbers(x, None) for x in lines[1:-1] or lines[1:]
    ):
        return "\n" if len(lines) > 1 and "=" not in lines[0] and ":" not in lines[0] else None
    return None


def _is_table(lines: list[str], delimiter: str) -> bool:
    rows = list(csv.reader([" ".join(x.split()) for x in lines] if delimiter == " " else lines,
                           delimiter=delimiter, skipinitialspace=True))  # fmt: skip
    widths = [len(row) for row in rows]
    if widths[0] < 2 or sum(width == widths[0] for width in widths[:-1]) < 0.8 * len(widths[:-1]):
        return False
    numeric = all(_is_numbers(cell, delimiter) for cell in rows[0] if cell.strip())
    if not numeric and not _is_header(rows[0], strict=delimiter == " "):
        return False
    return numeric or _looks_numeric(rows[1:], delimiter)


def _looks_numeric(rows: list[list[str]], delimiter: str) -> bool:
    filled = [cell for row in rows for cell in row if cell.strip().lower() not in _MISSING]
    return 2 * sum(_is_numbers(cell, delimiter) for cell in filled) >= max(len(filled), 1)


def _is_header(row: Sequence[str], *, strict: bool = True) -> bool:
    named = any(meaning_of(cell).kind != "other" for cell in row)
    return (named or not strict) and not any(_is_numbers(cell, None) for cell in row)


def _is_numbers(cell: str, delimiter: str | None) -> bool:
    return _number(cell, delimiter) is not None


def _number(cell: str, delimiter: str | None) -> float | None:
    """Return the number in a cell; "0,52" counts where the comma is not the delimiter."""
    text = cell.strip()
    try:
        return float(text)
    except ValueError:
        pass
    if delimiter not in (None, ",") and re.fullmatch(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?", text):
        return float(text.replace(",", "."))
    if text.endswith("%"):
        share = _number(text[:-1], delimiter)
        return None if share is None else share / 100
    tensor = re.fullmatch(r"tensor\(([-+.\deE]+|nan|inf|-inf)(?:,.*)?\)", text)
    return float(tensor.group(1)) if tensor else None


def read_table(
    lines: Iterable[str], delimiter: str, source: str, remarks: list[Remark]
) -> Iterator[Record]:
    """Yield one record per row; rows that do not fit are left out and remarked on."""
    lines = (line for line in lines if line.strip() and not line.startswith("#"))
    if delimiter == " ":
        lines = (" ".join(line.split()) for line in lines)
    if delimiter == "\n":
        rows: Iterator[list[str]] = ([line.strip()] for line in lines)
    else:
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    odd: list[int] = []
    yield from _records(_counted(rows), delimiter, odd)
    if odd:
        remarks.append(_left_out(source, odd))


def _counted(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, row); a row that csv refuses comes as an empty one."""
    for number in range(1, 1 << 62):
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield number, []


def _records(
    rows: Iterator[tuple[int, list[str]]], delimiter: str, odd: list[int]
) -> Iterator[Record]:
    first = list(islice(rows, 1))
    if not first:
        return
    header: Sequence[str] = first[0][1]
    if all(_is_numbers(cell, delimiter) for cell in header):
        header = _HEADERLESS.get(len(header), [f"column {i}" for i in range(1, len(header) + 1)])
        rows = chain(first, rows)
    for number, row in rows:
        if len(row) != len(header):
            if _is_header(row):  # another run with other columns
                header = row
            else:
                odd.append(number)
            continue
        record = _record(header, row, delimiter)
        if record:
            yield record
        elif _is_header(row):
            header = row
        elif any(cell.strip() for cell in row):
            odd.append(number)


def _record(header: Sequence[str], row: Sequence[str], delimiter: str) -> Record:
    record: Record = {}
    for name, cell in zip(header, row, strict=True):
        if cell:
            try:
                record[name] = float(cell)
            except ValueError:
                value = _number(cell, delimiter)
                if value is not None:
                    record[name] = value
    return _without_gaps(record)


def _without_gaps(record: Record) -> Record:
    """Drop NaN cells of one phase where the other phase has numbers: pandas writes gaps so."""
    if not any(map(math.isnan, record.values())):
        return record
    alive = {
        meaning_of(name).phase in ("", "train")
        for name, value in record.items()
        if not math.isnan(value) and meaning_of(name).role.endswith(("_loss", "_accuracy"))
    }
    if not alive:
        return record
    return {
        name: value
        for name, value in record.items()
        if not math.isnan(value) or (meaning_of(name).phase in ("", "train")) in alive
    }


def _left_out(source: str, rows: list[int]) -> Remark:
    shown = ", ".join(map(str, rows[:3])) + (", ..." if len(rows) > 3 else "")
    many = len(rows) > 1
    return Remark(
        source,
        Text(
            f"{len(rows)} row{'s do' if many else ' does'} not fit the header and "
            f"{'were' if many else 'was'} left out (row {shown})",
            f"有 {len(rows)} 行与表头不符，已略过（第 {shown} 行）",
        ),
    )
