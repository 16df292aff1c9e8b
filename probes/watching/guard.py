"""No observer of ours may reach the script: what raises is switched off and remembered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any


class Guard:
    """Runs observers, and counts the seconds that they take.

    An observer that raises is never run again. In a forked child (a loader's worker) none runs.
    """

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        self.seconds = 0.0
        self._active = True
        self._busy = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.stop)

    def stop(self) -> None:
        """Run no observer any more."""
        self._active = False

    def attempt(self, name: str, observer: Callable[..., Any], *args: Any) -> Any:
        """Return what `observer` returns, as `run` does; one that raises may be tried again."""
        found = self.run(name, observer, *args)
        self.broken.pop(name, None)
        return found

    @property
    def is_active(self) -> bool:
        """Return whether observers run: not in a forked child."""
        return self._active

    def run(self, name: str, observer: Callable[..., Any], *args: Any) -> Any:
        """Return what `observer` returns; None when it is off, raises, or is called from within."""
        this = threading.get_ident()
        if not self._active or self._busy == this or name in self.broken:
            return None
        self._busy = this
        began = time.perf_counter()
        try:
            return observer(*args)
        except Exception as error:
            self.broken[name] = f"{type(error).__name__}: {error}"
            return None
        finally:
            self._busy = 0
            self.seconds += time.perf_counter() - began
