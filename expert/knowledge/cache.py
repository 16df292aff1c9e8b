"""Knowledge that was read before, kept as JSON, for as long as none of its files changes.

Reading YAML is by far the longest part of a start. What is kept are the plain documents; they are
validated again each time, so that a strange file here can do no more than a strange pack.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from expert.knowledge.base import Written
from expert.knowledge.packs import PackPlace, shown
from expert.knowledge.reader import KnowledgeError, Place, RawDocument, read_documents

_OUR_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "template.py")
_SETTLED_S = 2.0  # an edit this soon after another may leave size and time as they were
_KEPT_FILES = 16


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """A document as the cache gives it back: its file is read again when a place is wanted."""

    path: str
    data: Any
    number: int  # among the documents of its file
    line: int
    column: int

    def place(self, loc: Sequence[int | str] = (), *, key: bool = False) -> Place:
        """Return the place of the value (or the key) at `loc`."""
        original = _original(self.path, self.number) if loc else None
        if original is not None and original.data == self.data:
            return original.place(loc, key=key)
        return Place(self.path, self.line, self.column)


def _original(path: str, number: int) -> RawDocument | None:
    try:
        status = Path(path).stat()
        documents = _documents(path, status.st_mtime_ns, status.st_size)
        return documents[number]
    except (OSError, KnowledgeError, IndexError):
        return None


@lru_cache(maxsize=64)
def _documents(path: str, mtime_ns: int, size: int) -> list[RawDocument]:
    return read_documents(Path(path))


class KnowledgeCache:
    """A folder with one file for each set of packs; never in the way when it cannot be used."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_cache_path("torchmedic", appauthor=False) / "knowledge"

    def stamp(self, places: Sequence[PackPlace]) -> str:
        """Return what changes whenever a file of the packs does, or our code that reads them."""
        return _digest(json.dumps([_states(_OUR_CODE), *_pack_states(places)]).encode())

    def read(self, places: Sequence[PackPlace]) -> list[list[Written]] | None:
        """Return the documents of each pack, or None when there are none for the files as are."""
        try:
            head, _, body = self._file(places).read_bytes().partition(b"\n")
            if head.decode() != f"{self.stamp(places)} {_digest(body)}":
                return None
            return [list(_revived(pack)) for pack in json.loads(body)]
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

    def write(
        self, places: Sequence[PackPlace], stamp: str, packs: Sequence[Sequence[RawDocument]]
    ) -> None:
        """Keep the documents, which were read while `stamp` held; failing that, do nothing."""
        if _newest(places) > time.time() - _SETTLED_S:
            return
        body = json.dumps([list(_plain(pack)) for pack in packs]).encode()
        head = f"{stamp} {_digest(body)}\n".encode()
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(self._file(places), head + body)
            _remove_oldest(self.folder)

    def _file(self, places: Sequence[PackPlace]) -> Path:
        roots = json.dumps([str(place.path.resolve()) for place in places])
        return self.folder / f"{_digest(roots.encode())[:32]}.json"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pack_states(places: Sequence[PackPlace]) -> Iterator[list[Any]]:
    for place in places:
        yield [place.name, _states(place.files())]


def _states(paths: Sequence[Path]) -> list[Any]:
    """Return path, size and times of files, and of the modules in folders."""
    files = [file for path in paths for file in (sorted(path.glob("*.py")) or [path])]
    return [[str(file.absolute()), *_state(file)] for file in files]


def _state(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError:  # reading it will tell
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _newest(places: Sequence[PackPlace]) -> float:
    with suppress(OSError):
        files = [file for place in places for file in place.files()]
        return max((file.stat().st_mtime for file in files), default=0.0)
    return float("inf")


def _plain(pack: Sequence[RawDocument]) -> Iterator[list[Any]]:
    numbers: dict[str, int] = {}
    for document in pack:
        number = numbers.get(document.path, 0)
        numbers[document.path] = number + 1
        place = document.place()
        file = str(Path(document.path).absolute())
        yield [file, document.data, number, place.line, place.column]


def _revived(pack: Sequence[Sequence[Any]]) -> Iterator[CachedDocument]:
    names: dict[str, str] = {}
    for file, *rest in pack:
        if file not in names:
            names[file] = shown(Path(file))
        yield CachedDocument(names[file], *rest)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that others see either whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _remove_oldest(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[_KEPT_FILES:]:
        file.unlink(missing_ok=True)
