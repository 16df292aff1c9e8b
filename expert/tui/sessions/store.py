"""The folder of saved sessions: written atomically, one file each, newest first.

A file is written beside its place, flushed to the disk, and then takes its place in one step: a
process that is killed at any moment leaves the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from platformdirs import user_state_path

from expert.language import Text
from expert.tui.outcome import Subject
from expert.tui.sessions.session import Session
from expert.tui.writing import write_atomically

_SUFFIX: Final = ".jsonl"  # a line for the list of sessions, then a line with everything
_LARGEST: Final = 64 << 20  # bytes; what is larger is not ours
_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved session as the list shows it; `problem` tells why it cannot be read."""

    id: str
    path: Path
    changed: float
    subject: Subject | None = None
    headline: Text | None = None
    certainty: float = 0.0
    complete: bool = False
    answers: int = 0
    trials: int = 0
    measured: int = 0
    problem: str = ""


def default_folder() -> Path:
    """Return where sessions are kept (`~/.local/state/torchmedic/sessions` on Linux)."""
    return user_state_path("torchmedic", appauthor=False) / "sessions"


class SessionStore:
    """Saves, lists and reads sessions."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def save(self, session: Session) -> None:
        """Write `session`; raises OSError."""
        self.write(session.id, as_text(session))

    def write(self, id_: str, text: str) -> None:
        """Write the text of a session; raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(id_), text)

    def read(self, id_: str) -> Session:
        """Return a session; raises OSError, or ValueError when the file is not one."""
        try:
            return Session.from_json(_line(self._path(id_), 1))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error

    def delete(self, id_: str) -> None:
        """Remove a session; one that is gone already is fine."""
        self._path(id_).unlink(missing_ok=True)

    def listed(self) -> list[Saved]:
        """Return the newest sessions, newest first; those that cannot be read say why."""
        try:
            paths = [path for path in self.folder.iterdir() if _is_session(path)]
            paths.sort(key=lambda path: -path.stat().st_mtime)
        except OSError:
            return []
        return [_summary(path) for path in paths[:_LISTED]]

    def _path(self, id_: str) -> Path:
        return self.folder / f"{id_}{_SUFFIX}"


class Saver:
    """Saves in a thread of its own: what is newest, and never two at once."""

    def __init__(self, store: SessionStore, on_error: Callable[[OSError], None]) -> None:
        self._store = store
        self._on_error = on_error
        self._waiting: dict[str, str] = {}
        self._news = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None

    def save(self, session: Session) -> None:
        """Save `session` as it is now, soon."""
        text = as_text(session)
        with self._news:
            self._waiting[session.id] = text
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._news.notify_all()

    def flush(self, timeout: float = 5.0) -> None:
        """Wait until everything is on the disk."""
        with self._news:
            self._news.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: bool(self._waiting))
                id_ = next(iter(self._waiting))
                text = self._waiting.pop(id_)
                self._busy = True
            try:
                self._store.write(id_, text)
            except OSError as error:
                self._on_error(error)
            finally:
                with self._news:
                    self._busy = False
                    self._news.notify_all()


def _is_session(path: Path) -> bool:
    return path.suffix == _SUFFIX and not path.name.startswith(".")


def as_text(session: Session) -> str:
    """Return what is written: the line for the list, then everything."""
    session.changed = time.time()
    head, body = session.summary(), session.to_json()
    return "\n".join(json.dumps(part, ensure_ascii=False) for part in (head, body)) + "\n"


def _line(path: Path, index: int) -> Any:
    """Return the JSON on line `index` of a file; raises ValueError where there is none."""
    if path.stat().st_size > _LARGEST:
        raise ValueError("the file is too large")
    with path.open(encoding="utf-8", errors="surrogatepass") as file:
        line = next(itertools.islice(file, index, None), "")
    return json.loads(line)


def _summary(path: Path) -> Saved:
    changed = 0.0
    with contextlib.suppress(OSError):
        changed = path.stat().st_mtime
    try:
        data = _line(path, 0)
        return Saved(
            id=path.stem,
            path=path,
            changed=float(data["changed"]),
            subject=Subject.from_json(data["subject"]),
            headline=Text.from_json(data["headline"]) if data["headline"] else None,
            certainty=float(data["certainty"]),
            complete=bool(data["complete"]),
            answers=int(data["answers"]),
            trials=int(data["trials"]),
            measured=int(data["measured"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Saved(path.stem, path, changed, problem=f"{type(error).__name__}: {error}")
