"""`read_logs`: files of any known kind in, the series of one run out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, cast

from expert.errors import UsageError
from expert.language import Text
from probes.logs.assembling import Assembly, Chosen
from probes.logs.event_files import is_event_file, read_events
from probes.logs.json_records import read_json
from probes.logs.lines import as_text, encoding_of, lines_of
from probes.logs.mlflow_store import (
    is_database,
    metric_files,
    metric_of,
    read_database,
    read_metric,
)
from probes.logs.names import meaning_of
from probes.logs.plain_text import read_plain
from probes.logs.plugins import installed_reader
from probes.logs.series import Record, Remark, Series
from probes.logs.tables import delimiter_of, read_table
from probes.logs.wandb_run import is_wandb_file, read_wandb

_HEAD: Final = 1 << 16
_SAMPLE: Final = 40
_IN_FOLDERS: Final = (
    *("metrics.csv", "trainer_state.json", "progress.csv", "log.csv", "log.txt"),
    *("mlflow.db", "wandb-history.jsonl"),
)


@dataclass(frozen=True, slots=True)
class Logs:
    """What was read: the series, of each role the main one, and what could not be used."""

    series: tuple[Series, ...]
    remarks: tuple[Remark, ...]


def read_logs(
    names: Sequence[str], *, train_loss: str | None = None, val_loss: str | None = None
) -> Logs:
    """Read the logs of one run: files, folders, or "-" for standard input, in order.

    Raises UsageError, in one sentence, for what is missing, empty, binary, or holds no curve.
    """
    assembly, remarks = Assembly(Chosen(train_loss, val_loss)), list[Remark]()
    paths = [path for name in names for path in _files(name)]
    for path in paths:
        _read_one(path, assembly, remarks, _phase_of_folder(path) if len(paths) > 1 else "")
    series = assembly.series()
    _refuse_unknown(assembly, train_loss, val_loss)
    if not any(one.role in ("train_loss", "val_loss") for one in series):
        raise _no_loss(names, assembly)
    remarks += _on_restarts(assembly)
    return Logs(tuple(series), tuple(remarks))


def _files(name: str) -> list[str]:
    """Return the files that a name stands for; a folder stands for the logs in it."""
    if name == "-" or not os.path.isdir(name):
        return [name]
    if metrics := metric_files(name):
        return metrics
    found = [path for path in Path(name).rglob("*") if "tfevents" in path.name]
    if not found:
        found = [path for path in Path(name).rglob("*") if path.name in _IN_FOLDERS]
    if not found:
        raise UsageError(
            en=f"the folder {name} holds no log that is known by its name (events.out.tfevents..., "
            f"{', '.join(_IN_FOLDERS[:2])}); name the files themselves",
            zh=f"文件夹 {name} 中没有可按文件名识别的日志（events.out.tfevents…、"
            f"{'、'.join(_IN_FOLDERS[:2])}）；请直接指定文件",
        )
    return [str(path) for path in sorted(found, key=lambda path: (path.parent, path.name))]


def _read_one(path: str, assembly: Assembly, remarks: list[Remark], phase: str) -> None:
    with _opened(path) as stream:
        head = stream.peek(_HEAD)[:_HEAD]
        assembly.take(_records(stream, head, path, remarks), path, phase)


def _opened(path: str) -> io.BufferedReader:
    if path == "-":
        return io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer), _HEAD)
    try:
        return io.BufferedReader(open(path, "rb", buffering=0), _HEAD)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(
            en=f"cannot read {path}: {reason}", zh=f"无法读取 {path}：{reason}"
        ) from None


def _phase_of_folder(path: str) -> str:
    """Return what the folder says: writers often keep train/ and validation/ apart."""
    folder = os.path.basename(os.path.dirname(path))
    phase = meaning_of(f"{folder} loss").phase if folder else ""
    return phase if folder.count("_") + folder.count("-") < 2 else ""


def _records(
    stream: io.BufferedReader, head: bytes, path: str, remarks: list[Remark]
) -> Iterator[Record]:
    """Return the records of a stream, by what its first bytes look like."""
    if not head.strip():
        raise UsageError(en=f"{path} is empty", zh=f"{path} 是空文件")
    if (theirs := installed_reader(path, head, remarks)) is not None:
        return theirs
    if is_event_file(head):
        return read_events(cast(BinaryIO, stream), path, remarks)
    if path != "-" and is_database(head):
        return read_database(path, remarks)
    if is_wandb_file(head):
        return read_wandb(cast(BinaryIO, stream), path, remarks)
    if _is_binary(head):
        raise UsageError(
            en=f"{path} is binary and no TensorBoard event file; torchmedic reads CSV, JSON Lines, "
            "trainer_state.json, TensorBoard event files, MLflow, W&B and plain text",
            zh=f"{path} 是二进制文件，且不是 TensorBoard 事件文件；torchmedic 可读取 CSV、"
            "JSON Lines、trainer_state.json、TensorBoard 事件文件、MLflow、W&B 和纯文本日志",
        )
    text = as_text(cast(BinaryIO, stream), head)
    if path != "-" and (metric := metric_of(path)) is not None:
        return read_metric(lines_of(text), metric, path, remarks)
    beginning = head.decode(encoding_of(head), "replace").lstrip()
    if beginning.startswith(('{"', "{\n", "{\r", "{ ", "[{", "[\n", "[\r", "[ {")):
        return read_json(text, path, remarks)
    return _lines(lines_of(text), path, remarks)


def _lines(lines: Iterator[str], path: str, remarks: list[Remark]) -> Iterator[Record]:
    sample = list(islice(lines, _SAMPLE))
    every: Iterable[str] = chain(sample, lines)
    delimiter = delimiter_of(sample)
    return read_plain(every) if delimiter is None else read_table(every, delimiter, path, remarks)


def _is_binary(head: bytes) -> bool:
    if encoding_of(head) == "utf-16":
        return False
    strange = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return b"\x00" in head or strange > 0.05 * len(head)


def _refuse_unknown(assembly: Assembly, *names: str | None) -> None:
    for name in names:
        if name is not None and name not in assembly.curves:
            known = ", ".join(assembly.names) or "-"
            raise UsageError(
                en=f"the log holds no numbers named '{name}'; it holds {_shortened(known)}",
                zh=f"日志中没有名为“{name}”的数值；其中有 {_shortened(known)}",
            )


def _no_loss(names: Sequence[str], assembly: Assembly) -> UsageError:
    files = ", ".join(names)
    rivals = [*assembly.rivals("train_loss"), *assembly.rivals("val_loss")]
    if rivals:
        listed = _shortened(", ".join(rivals))
        return UsageError(
            en=f"{files} holds several losses ({listed}); say which one is trained on with "
            "--train-loss NAME",
            zh=f"{files} 中有多个损失（{listed}）；请用 --train-loss 名称 指明训练所用的那一个",
        )
    known = _shortened(", ".join(assembly.names))
    if known:
        return UsageError(
            en=f"no loss was found in {files}, which holds {known}; say which one it is with "
            "--train-loss NAME",
            zh=f"在 {files} 中没有找到损失，其中有 {known}；请用 --train-loss 名称 指明",
        )
    return UsageError(
        en=f"no curve was found in {files}: no table, no JSON, no scalars, and "
        'no lines such as "loss: 0.12"',
        zh=f"在 {files} 中没有找到曲线：没有表格、JSON 或标量，也没有形如“loss: 0.12”的行",
    )


def _shortened(listed: str) -> str:
    return listed if len(listed) <= 300 else listed[:297] + "..."


def _on_restarts(assembly: Assembly) -> Iterator[Remark]:
    for source in dict.fromkeys(c.source for c in assembly.curves.values() if c.restarted):
        text = Text(
            "the run began again from an earlier point; what it did again replaces what was there",
            "训练曾从较早的位置重新开始；重新训练的部分取代了原有的部分",
        )
        yield Remark(source, text)
