"""Where files can be written; nothing but the standard library is needed to know."""

from __future__ import annotations

from pathlib import Path


def is_writable_place(target: str) -> bool:
    """Return whether a file of this name can be: it is no folder, and its folder exists."""
    path = Path(target)
    return not path.is_dir() and path.absolute().parent.is_dir()
