"""Which files of a folder look like logs of a training: by how they begin, without reading on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probes.logs.event_files import is_event_file
from probes.logs.mlflow_store import is_database
from probes.logs.wandb_run import is_wandb_file

_HEAD: Final = 1 << 16
_TEXT: Final = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".out", ".err", "")
_LOSS: Final = (b"loss", b"nll", b"perplexity", "损失".encode())
_DATABASES: Final = (".db", ".sqlite", ".sqlite3")
_MOST: Final = 2000  # entries of a folder that are looked at


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, or a log with its `size` in bytes and its time stamp `changed` in seconds."""

    name: str
    is_folder: bool
    size: int = 0
    changed: float = 0.0


def entries_of(folder: str) -> list[Entry]:
    """Return the folders in `folder` by name, then its logs, the newest first.

    Raises OSError where the folder cannot be read. Hidden names are left out.
    """
    with os.scandir(folder) as scanned:
        every = [found for _, found in zip(range(_MOST), scanned, strict=False)]
    found = list(_entries(every))
    folders = sorted((e for e in found if e.is_folder), key=lambda entry: entry.name.lower())
    logs = sorted((e for e in found if not e.is_folder), key=lambda e: (-e.changed, e.name))
    return folders + logs


def _entries(every: list[os.DirEntry[str]]) -> Iterator[Entry]:
    for entry in every:
        if entry.name.startswith((".", "__")):
            continue
        try:
            if entry.is_dir():
                yield Entry(entry.name, is_folder=True)
            elif entry.is_file() and looks_like_log(entry.path):
                stat = entry.stat()
                yield Entry(entry.name, False, stat.st_size, stat.st_mtime)
        except OSError:  # gone meanwhile, or not ours to look at
            continue


def looks_like_log(path: str) -> bool:
    """Return whether a file is of a kind that `read_logs` reads, and text tells of a loss."""
    ending = os.path.splitext(path)[1].lower()
    kept_by_writer = "tfevents" in os.path.basename(path) or ending == ".wandb"
    if not kept_by_writer and ending not in (*_TEXT, *_DATABASES):
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    if is_event_file(head) or is_wandb_file(head):
        return True
    if ending in _DATABASES:
        return is_database(head)
    text = head.replace(b"\0", b"").lower()  # UTF-16 too
    return ending in _TEXT and any(word in text for word in _LOSS)
