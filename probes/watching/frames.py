"""Which line of the user's code is running, and where what was built."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from types import FrameType

from probes.case.users_files import is_users_file


class Lines:
    """The user's lines by what happened there, with how often."""

    def __init__(self, script: str | None) -> None:
        self._script = script
        self.seen: dict[str, Counter[str]] = {}
        self._built: dict[int, str] = {}

    def here(self) -> str | None:
        """Return "FILE:LINE" of the innermost frame of the user's, None without one."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._is_users(frame):
                return shown(frame)
            frame = frame.f_back
        return None

    def note(self, what: str) -> str | None:
        """Count the user's line that is running under `what`."""
        place = self.here()
        if place is not None:
            self.seen.setdefault(what, Counter())[place] += 1
        return place

    def most(self, what: str) -> str | None:
        """Return the line where `what` happened most."""
        found = self.seen.get(what)
        return found.most_common(1)[0][0] if found else None

    def built(self, part: object) -> None:
        """Note that `part` is being constructed by the innermost line outside its own class."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._is_users(frame) and not _constructs(frame, part):
                self._built[id(part)] = shown(frame)
                return
            frame = frame.f_back

    def of(self, part: object) -> str | None:
        """Return where `part` was constructed."""
        return self._built.get(id(part))

    def _is_users(self, frame: FrameType) -> bool:
        name = frame.f_code.co_filename
        return name == self._script or is_users_file(name)


def _constructs(frame: FrameType, part: object) -> bool:
    return frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is part


def shown(frame: FrameType) -> str:
    """Return the frame's line, its file relative to the working folder where it lies below it."""
    return f"{_shown_file(frame.f_code.co_filename)}:{frame.f_lineno}"


@functools.lru_cache(maxsize=256)
def _shown_file(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
