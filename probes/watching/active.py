"""Which watcher has its observers on torch: two at once would undo each other's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probes.watching.watcher import Watcher

_lock = threading.Lock()
_current: list[Watcher] = []


def claim(watcher: Watcher) -> Watcher:
    """Make `watcher` the active one unless another is; returns the one that is active now."""
    with _lock:
        if not _current:
            _current.append(watcher)
        return _current[0]


def release(watcher: Watcher) -> None:
    """Let another watcher become the active one."""
    with _lock:
        if watcher in _current:
            _current.remove(watcher)
