"""Logs in the stores of experiment trackers, and readers that other packages bring."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from expert.errors import UsageError
from probes.logs import plugins
from probes.logs.reading import Logs, read_logs
from probes.logs.series import Role, Series

OFFLINE = Path(__file__).parents[2] / "data" / "logs" / "offline.wandb"
COLUMNS = (
    "key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, "
    "run_uuid VARCHAR(32) NOT NULL, step BIGINT NOT NULL, is_nan BOOLEAN NOT NULL"
)


def main(logs: Logs, role: Role) -> Series:
    (found,) = [one for one in logs.series if one.role == role]
    return found


def said(logs: Logs) -> str:
    return " | ".join(remark.text.en for remark in logs.remarks)


def file_store(root: Path, run: str, losses: list[float], written: float) -> Path:
    folder = root / "mlruns" / "0" / run
    for name, scale in (("train/loss", 1.0), ("val_loss", 2.0)):
        path = folder / "metrics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"17{i} {scale * x} {i}\n" for i, x in enumerate(losses)))
    (folder / "meta.yaml").write_text(f"run_id: {run}\n")
    os.utime(folder / "metrics", (written, written))
    return folder


def database(path: Path, *rows: tuple[str, float, int, str, int, bool]) -> str:
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"CREATE TABLE metrics ({COLUMNS})")
        made.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        made.commit()
    return str(path)


def test_the_newest_run_of_an_mlflow_file_store_is_read(tmp_path: Path) -> None:
    file_store(tmp_path, "old", [9.0, 8.0, 7.0], 1e9)
    file_store(tmp_path, "new", [2.0, 1.0, 0.5], 2e9)
    logs = read_logs([str(tmp_path / "mlruns")])
    assert main(logs, "train_loss").values == (2.0, 1.0, 0.5)
    assert main(logs, "val_loss").values == (4.0, 2.0, 1.0)
    assert main(logs, "val_loss").steps == (0.0, 1.0, 2.0)


def test_one_metric_file_is_known_by_its_place(tmp_path: Path) -> None:
    run = file_store(tmp_path, "run", [2.0, math.nan, 0.5], 2e9)
    found = main(read_logs([str(run / "metrics" / "train" / "loss")]), "train_loss")
    assert (found.name, found.count) == ("train/loss", 3)


def test_a_metric_file_that_is_cut_short_gives_what_is_whole(tmp_path: Path) -> None:
    run = file_store(tmp_path, "run", [2.0, 1.0, 0.5], 2e9)
    with (run / "metrics" / "val_loss").open("a") as file:
        file.write("1700")
    logs = read_logs([str(run)])
    assert main(logs, "val_loss").count == 3
    assert "cut short" in said(logs)


def test_the_newest_run_of_an_mlflow_database_is_read(tmp_path: Path) -> None:
    old = [("train_loss", 9.0, i, "old", i, False) for i in range(5)]
    new = [("train_loss", 2.0 - 0.1 * i, 100 + i, "new", i, False) for i in range(5)]
    new.append(("train_loss", 0.0, 105, "new", 5, True))  # how MLflow keeps NaN
    path = database(tmp_path / "mlflow.db", *old, *new)
    logs = read_logs([path])
    assert main(logs, "train_loss").values[:2] == pytest.approx((2.0, 1.9))
    assert main(logs, "train_loss").count == 6
    assert main(logs, "train_loss").nonfinite_from == 5
    assert "2 runs" in said(logs)


def test_an_mlflow_database_is_found_in_its_folder_and_not_changed(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", *(("loss", 1.0, i, "r", i, False) for i in range(3)))
    before = Path(path).read_bytes()
    assert main(read_logs([str(tmp_path)]), "train_loss").count == 3
    assert Path(path).read_bytes() == before
    assert os.listdir(tmp_path) == ["mlflow.db"]


def test_other_and_broken_databases_are_told_in_one_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
        other.commit()
    whole = database(tmp_path / "m.db", *(("loss", 1.0, i, "r", i, False) for i in range(500)))
    (tmp_path / "cut.db").write_bytes(Path(whole).read_bytes()[:6000])
    for name, sentence in (("other.db", "without MLflow's table"), ("cut.db", "cannot be read")):
        with pytest.raises(UsageError, match=sentence) as raised:
            read_logs([str(tmp_path / name)])
        assert "\n" not in raised.value.text.en


def test_an_empty_mlflow_database_holds_no_curve(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no curve was found"):
        read_logs([database(tmp_path / "mlflow.db")])


def test_an_offline_wandb_run_is_read_without_its_package() -> None:
    logs = read_logs([str(OFFLINE)])
    assert main(logs, "train_loss").values == pytest.approx([2 / (1 + i / 10) for i in range(400)])
    assert main(logs, "val_loss").values == pytest.approx([2.1 / (1 + i / 20) for i in range(400)])
    assert main(logs, "val_loss").steps == tuple(range(400))
    assert not logs.remarks


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_an_offline_wandb_run_that_is_cut_short_gives_what_is_whole(
    tmp_path: Path, kept: float
) -> None:
    whole = OFFLINE.read_bytes()
    path = tmp_path / "run.wandb"
    path.write_bytes(whole[: int(kept * len(whole))])
    logs = read_logs([str(path)])
    assert 0 < main(logs, "train_loss").count < 400
    assert "cut short" in said(logs)


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a tiny package with a reader of files that begin with "MINE"."""
    info = tmp_path / "site" / "minelog-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: minelog\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[torchmedic.log_readers]\nmine = minelog:read\n")
    (tmp_path / "site" / "minelog.py").write_text(
        "def read(path, head):\n"
        "    if not head.startswith(b'MINE'):\n        return None\n"
        "    lines = open(path).read().split()[1:]\n"
        "    return ({'step': i, 'loss': float(x)} for i, x in enumerate(lines))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugins._found.cache_clear()
    yield tmp_path
    plugins._found.cache_clear()
    sys.modules.pop("minelog", None)


def test_a_reader_of_another_package_is_used_for_its_files_only(plug_in: Path) -> None:
    mine, table = plug_in / "run.mine", plug_in / "run.csv"
    mine.write_text("MINE 3 2 1")
    table.write_text("step,loss\n1,5\n2,4\n")
    assert main(read_logs([str(mine)]), "train_loss").values == (3.0, 2.0, 1.0)
    assert main(read_logs([str(table)]), "train_loss").values == (5.0, 4.0)


def test_a_reader_that_fails_is_told_and_what_it_has_read_stays(plug_in: Path) -> None:
    path = plug_in / "run.mine"
    path.write_text("MINE 3 2 one")
    logs = read_logs([str(path)])
    assert main(logs, "train_loss").values == (3.0, 2.0)
    assert "the reader mine of the package minelog failed (ValueError" in said(logs)


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "import no_such_module"])
def test_a_reader_that_cannot_be_imported_is_told_once_and_ours_reads(
    plug_in: Path, end: str
) -> None:
    (plug_in / "site" / "minelog.py").write_text(f"{end}\n")
    paths = [str(plug_in / name) for name in ("train.csv", "val.csv")]
    for path in paths:
        Path(path).write_text("step,loss\n1,5\n2,4\n")
    logs = read_logs(paths)
    assert main(logs, "train_loss").values[:2] == (5.0, 4.0)
    assert said(logs).count("minelog is left out") == 1


@pytest.mark.slow
def test_a_gigabyte_streams_in_bounded_memory(tmp_path: Path) -> None:
    lines, length = 125_000, 8_000
    write = (
        "import json\n"
        f"note = 'x' * {length}\n"
        f"for i in range({lines}):\n"
        "    print(json.dumps({'step': i, 'loss': 2 / (1 + i / 1e4), 'note': note}))\n"
    )
    fifo = str(tmp_path / "stream")
    os.mkfifo(fifo)
    script = tmp_path / "write.py"
    script.write_text(write)
    with subprocess.Popen(f"{sys.executable} {script} > {fifo}", shell=True):
        tracemalloc.start()
        logs = read_logs([fifo])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert lines * length == 1e9
    assert main(logs, "train_loss").count == lines
    assert peak < 24_000_000
