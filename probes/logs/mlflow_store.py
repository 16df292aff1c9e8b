"""MLflow's stores, read without MLflow: one run's metrics, from its files or its SQLite database.

The file store keeps a text file per metric, `RUN/metrics/NAME`, with lines "milliseconds value
step" (mlflow/store/tracking/file_store.py). The database, the default of newer versions, keeps rows
of the table `metrics` (key, value, timestamp, run_uuid, step, is_nan; store/dbmodels/models.py), in
which NaN stands as 0 with `is_nan`, and infinities as the largest doubles.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.request import pathname2url

from expert.errors import UsageError
from expert.language import Text
from probes.logs.series import Record, Remark

_HEADER: Final = b"SQLite format 3\x00"
_INFINITE: Final = 1.7976931348623157e308
_COLUMNS: Final = frozenset({"key", "value", "run_uuid", "step", "is_nan"})


def is_database(head: bytes) -> bool:
    """Return whether a file that begins so is an SQLite database."""
    return head.startswith(_HEADER)


def metric_files(folder: str) -> list[str]:
    """Return the metrics of the newest run in a folder of MLflow's file store, none elsewhere."""
    runs = {path.parent for path in Path(folder).rglob("metrics") if _is_run(path.parent)}
    if _is_run(Path(folder)):
        runs.add(Path(folder))
    if not runs:
        return []
    newest = max(runs, key=lambda run: ((run / "metrics").stat().st_mtime, str(run)))
    return sorted(str(path) for path in (newest / "metrics").rglob("*") if path.is_file())


def _is_run(folder: Path) -> bool:
    return (folder / "meta.yaml").is_file() and (folder / "metrics").is_dir()


def metric_of(path: str) -> str | None:
    """Return the metric that a file of the file store holds, None for any other file."""
    parts = Path(os.path.abspath(path)).parts
    for at in range(len(parts) - 2, 0, -1):  # names may contain slashes: metrics/train/loss
        if parts[at] == "metrics" and _is_run(Path(*parts[:at])):
            return "/".join(parts[at + 1 :])
    return None


def read_metric(
    lines: Iterator[str], name: str, source: str, remarks: list[Remark]
) -> Iterator[Record]:
    """Yield a record per line "milliseconds value [step]"; lines that are none are remarked on."""
    odd = 0
    for line in lines:
        try:
            _, value, *step = line.split()
            yield {"step": float(step[0]) if step else math.nan, name: float(value)}
        except ValueError:
            odd += bool(line.strip())
    if odd:
        remarks.append(_odd(source, odd))


def read_database(path: str, remarks: list[Remark]) -> Iterator[Record]:
    """Yield the metrics of the newest run of a database, which is only read. Raises UsageError."""
    address = f"file:{pathname2url(os.path.abspath(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            columns = {row[1] for row in database.execute("PRAGMA table_info(metrics)")}
            if not columns >= _COLUMNS:
                raise _no_store(path)
            yield from _newest(database, path, remarks)
    except sqlite3.Error as error:
        raise UsageError(
            en=f"the database {path} cannot be read ({error}): is it whole, and not locked?",
            zh=f"无法读取数据库 {path}（{error}）：请确认文件完整且未被锁定",
        ) from None


def _newest(database: sqlite3.Connection, path: str, remarks: list[Remark]) -> Iterator[Record]:
    runs = database.execute(
        "SELECT run_uuid, MAX(timestamp) AS last FROM metrics GROUP BY run_uuid ORDER BY last DESC"
    ).fetchall()
    if not runs:
        return
    if len(runs) > 1:
        remarks.append(_several(path, runs[0][0], len(runs)))
    rows = database.execute(
        "SELECT step, key, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp, step",
        (runs[0][0],),
    )
    for step, key, value, is_nan in rows:
        yield {"step": float(step), str(key): math.nan if is_nan else _unbounded(value)}


def _unbounded(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) >= _INFINITE else float(value)


def _no_store(path: str) -> UsageError:
    return UsageError(
        en=f"{path} is a database without MLflow's table of metrics; name MLflow's own file, which "
        "is called mlflow.db unless you have changed it",
        zh=f"{path} 是数据库，但没有 MLflow 的 metrics 表；"
        "请指定 MLflow 自己的文件（默认名为 mlflow.db）",
    )


def _several(path: str, run: str, count: int) -> Remark:
    return Remark(
        path,
        Text(
            f"it holds {count} runs; the newest, {run}, was read",
            f"其中有 {count} 次运行；读取的是最新的一次 {run}",
        ),
    )


def _odd(source: str, count: int) -> Remark:
    return Remark(
        source,
        Text(
            f"{count} line{'s' * (count > 1)} of it {'are' if count > 1 else 'is'} no "
            "MLflow metric (cut short?) and was left out",
            f"有 {count} 行不是 MLflow 指标（可能被截断），已略过",
        ),
    )
