"""A script with its arguments, and paths of logs: what is wrong with them, how they may go on.

Both are written as in a shell, so that a name with spaces is quoted (terminals quote a file that is
dropped on them).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from expert.language import Text
from expert.tui.texts import start as texts


def words_of(text: str) -> list[str]:
    """Return the words of a command line; raises ValueError for an open quote."""
    return [os.path.expanduser(word) for word in shlex.split(text)]


def script_problem(text: str) -> Text | None:
    """Return why `text` is not a script with arguments; None when it may be one."""
    words = _words(text)
    if isinstance(words, Text):
        return words
    if not words:
        return texts.EMPTY_SCRIPT
    path = Path(words[0])
    if path.is_dir() and (path / "__main__.py").is_file():
        return None
    return _file_problem(path)


def log_problem(text: str) -> Text | None:
    """Return why `text` does not name logs; None when it may."""
    words = _words(text)
    if isinstance(words, Text):
        return words
    if not words:
        return texts.EMPTY_LOG
    missing = next((word for word in words if not _exists(Path(word))), None)
    return _said(texts.NO_SUCH_PATH, path=missing) if missing is not None else None


def script_completions(text: str) -> list[str]:
    """Return how the name of the script may go on; its arguments are its own."""
    if " " in text:
        return []
    return [found for found in _paths(text) if found.endswith((".py", os.sep))]


def log_completions(text: str) -> list[str]:
    """Return how the last path may go on."""
    head, space, tail = text.rpartition(" ")
    return [f"{head}{space}{found}" for found in _paths(tail)] if tail else []


def _words(text: str) -> list[str] | Text:
    try:
        return words_of(text)
    except ValueError:
        return texts.OPEN_QUOTE


def _file_problem(path: Path) -> Text | None:
    if not _exists(path):
        return _said(texts.NO_SUCH_PATH, path=str(path))
    return _said(texts.SCRIPT_IS_A_FOLDER, path=str(path)) if path.is_dir() else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a null byte, a name that is too long
        return False


def _said(text: Text, **values: str) -> Text:
    return Text(text.en.format(**values), text.zh.format(**values))


def _paths(shown: str) -> Iterator[str]:
    """Yield the files and folders whose path begins with `shown`, spelt as `shown` is."""
    head, tail = os.path.split(shown)
    try:
        entries = sorted(os.scandir(Path(head or ".").expanduser()), key=lambda e: e.name)
    except (OSError, ValueError):
        return
    for entry in entries:
        hidden = entry.name.startswith((".", "__")) and not tail.startswith((".", "_"))
        if hidden or not entry.name.startswith(tail) or entry.name == tail:
            continue
        yield (
            os.path.join(head, entry.name, "") if entry.is_dir() else os.path.join(head, entry.name)
        )
