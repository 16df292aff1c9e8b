"""Running a script as `python SCRIPT ARGS` or `python -m MODULE ARGS` would, in this process."""

from __future__ import annotations

import atexit
import io
import os
import runpy
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from probes.watching.transparent import without_our_frames


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: its exit status, and whether Ctrl-C ended it."""

    status: int
    interrupted: bool = False
    stopped: bool = False  # by us, as was asked for
    error: str | None = None  # the last line of its traceback

    @property
    def state(self) -> str:
        """What becomes of a rank that ends so."""
        if self.status == 128 + signal.SIGTERM:
            return "terminated"
        return "failed" if self.status else "ended"


class Stopped(SystemExit):
    """Ends a script that is to go on no longer; its status is 1."""

    def __init__(self) -> None:
        super().__init__(1)


def main_file(path: str) -> Path | None:
    """Return the file that `python PATH` would run, None where there is none."""
    given = Path(path)
    if given.is_dir():
        given = given / "__main__.py"
    return given if given.is_file() else None


def run_script(path: str, arguments: Sequence[str]) -> Ended:
    """Run a file (or a folder's `__main__.py`) as the main program; never raises."""
    sys.argv = [path, *arguments]
    if Path(path).is_dir():
        _lead_path(os.path.realpath(path))
        return _ended(lambda: runpy._run_module_as_main("__main__", False))  # type: ignore[attr-defined]
    full = os.path.abspath(path)
    _lead_path(os.path.dirname(os.path.realpath(path)))
    module = _fresh_main()
    module.__file__ = full
    module.__loader__ = SourceFileLoader("__main__", full)

    def run() -> None:
        with io.open_code(full) as file:
            source = file.read()
        exec(compile(source, full, "exec", dont_inherit=True), vars(module))

    return _ended(run)


def run_module(name: str, arguments: Sequence[str]) -> Ended:
    """Run a module as `python -m NAME` would; never raises."""
    sys.argv = ["-m", *arguments]
    _lead_path(os.getcwd())
    _fresh_main()
    return _ended(lambda: runpy._run_module_as_main(name))  # type: ignore[attr-defined]


def _lead_path(folder: str) -> None:
    if getattr(sys.flags, "safe_path", False):
        return
    if sys.path:
        sys.path[0] = folder
    else:
        sys.path.append(folder)


def _fresh_main() -> ModuleType:
    module = ModuleType("__main__")
    vars(module).update({"__builtins__": sys.modules["builtins"], "__annotations__": {}})
    module.__spec__ = None
    vars(module)["__cached__"] = None
    sys.modules["__main__"] = module
    return module


def _ended(run: Any) -> Ended:
    ended = Ended(0)
    try:
        run()
    except Stopped:
        ended = Ended(1, stopped=True)
    except SystemExit as error:
        ended = Ended(_status(error.code))
    except KeyboardInterrupt as error:
        _show(error)
        ended = Ended(128 + signal.SIGINT, interrupted=True)
    except BaseException as error:
        _show(error)
        ended = Ended(1, error=f"{type(error).__name__}: {error}".splitlines()[0][:300])
    try:
        _join_threads()
    except KeyboardInterrupt:
        ended = Ended(128 + signal.SIGINT, interrupted=True)
    return ended


def _show(error: BaseException) -> None:
    """Tell an exception as Python does, in the user's frames only."""
    frames = without_our_frames(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, frames
    try:
        sys.excepthook(type(error), error, frames)
    except BaseException:  # a hook of the user's own that raises
        sys.__excepthook__(type(error), error, frames)


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _flush()
    print(code, file=sys.stderr)
    return 1


def _join_threads() -> None:
    """Wait for the threads that Python would wait for: some train there."""
    this = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not this and not thread.daemon:
            thread.join()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue


class InterruptAtExit:
    """Lets the process end, after everything else, as a program does that Ctrl-C has ended.

    Made before the script runs: what is registered first is called last.
    """

    def __init__(self) -> None:
        self.wanted = False
        atexit.register(self._die)

    def _die(self) -> None:
        if self.wanted and os.name == "posix":
            _flush()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
