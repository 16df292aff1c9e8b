"""Which files are offered as logs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from probes.logs.finding import entries_of, looks_like_log

SHIPPED = Path(__file__).parents[2] / "data" / "logs"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("metrics.csv", b"epoch,train_loss\n0,2.3\n", True),
        ("metrics.jsonl", b'{"step": 0, "loss": 2.3}\n', True),
        ("trainer_state.json", b'{"log_history": [{"loss": 2.3}]}', True),
        ("train.log", "step 0  loss=2.3\n".encode("utf-16"), True),
        ("slurm.out", "第 1 步 损失 2.3\n".encode(), True),
        ("people.csv", b"name,age\nAda,36\n", False),
        ("package.json", b'{"name": "x"}', False),
        ("train.py", b"loss.backward()\n", False),
        ("model.pt", b"PK\x03\x04loss", False),
        ("mlflow.db", b"SQLite format 3\0", True),
        ("thumbs.db", b"\xd0\xcf\x11\xe0loss", False),
        ("events.out.tfevents.1", b"no events at all", False),
        ("empty.csv", b"", False),
    ],
)
def test_a_log_is_known_by_its_ending_and_how_it_begins(
    name: str, content: bytes, expected: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert looks_like_log(str(path)) is expected


def test_every_shipped_event_file_is_seen_as_a_log() -> None:
    found = [path for path in SHIPPED.rglob("*") if "tfevents" in path.name]
    assert found
    assert all(looks_like_log(str(path)) for path in found)


def test_folders_come_first_then_the_newest_log(tmp_path: Path) -> None:
    for age, name in enumerate(("new.csv", "old.csv")):
        (tmp_path / name).write_bytes(b"loss\n1\n")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    for name in ("b", "A", ".git", "__pycache__"):
        (tmp_path / name).mkdir()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    entries = entries_of(str(tmp_path))
    assert [entry.name for entry in entries] == ["A", "b", "new.csv", "old.csv"]
    assert (entries[2].size, entries[2].changed) == (7, 1000.0)
