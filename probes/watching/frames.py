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
        self._known: dict[str, bool] = {}  # file -> whether it is the user's
        self._shown: dict[tuple[str, int], str] = {}

    def here(self) -> str | None:
        """Return "FILE:LINE" of the innermost frame of the user's, None without one."""
        frame: FrameType | None = sys._getframe(1)
        known = self._known
        while frame is not None:
            name = frame.f_code.co_filename
            if known[name] if name in known else self._is_users(frame):
                at = (name, frame.f_lineno)
                if at not in self._shown:
                    self._shown[at] = shown(frame)
                return self._shown[at]
            frame = frame.f_back
        return None

    def note(self, what: str) -> str | None:
        """Count the user's line that is running under `what`."""
        place = self.here()
        if place is not None:
            if what not in self.seen:
                self.seen[what] = Counter()
            self.seen[what][place] += 1
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
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = name == self._script or is_users_file(name)
        return known


def _constructs(frame: FrameType, part: object) -> bool:
    return frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is part


def shown(frame: FrameType) -> str:
    """Return the frame's line, its file relative to the working folder where it lies below it."""
    return f"{_shown_file(frame.f_code.co_filename)}:{frame.f_lineno}"


@functools.lru_cache(maxsize=256)
def _shown_file(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
