"""Running a script as `python SCRIPT ARGS` or `python -m MODULE ARGS` would, in this process."""

from __future__ import annotations

import atexit
import io
import os
import runpy
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn

from probes.watching.transparent import without_our_frames

#: Wakes the main thread, whatever it waits for, where another one stops the script. Nobody sends
#: it otherwise, and SIGINT may be ignored (in a shell's background) or be the script's own.
_WAKE: Final = getattr(signal, "SIGURG", None)
_PATIENCE_S: Final = 5.0  # with the threads of a script that was stopped


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: its exit status, and whether Ctrl-C ended it.

    `waits`: threads of a script that was stopped still run, and Python would wait for them.
    """

    status: int
    interrupted: bool = False
    stopped: bool = False  # by us, as was asked for
    error: str | None = None  # the last line of its traceback
    waits: bool = False

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


def stop() -> NoReturn:
    """End the script from the inside; the main thread, too, where another one trains."""
    main = threading.main_thread()
    if threading.current_thread() is not main:
        if _WAKE is not None and signal.getsignal(_WAKE) is _stop_main and main.ident:
            signal.pthread_kill(main.ident, _WAKE)
        else:
            interrupt_main()
        raise SystemExit(1)  # threading keeps silent about this very class only
    raise Stopped


def _stop_main(number: int, frame: Any) -> NoReturn:
    raise Stopped


@contextmanager
def _wakes(wanted: bool) -> Iterator[None]:
    """Let another thread stop the main one meanwhile."""
    if not wanted or _WAKE is None:
        yield
        return
    before = signal.signal(_WAKE, _stop_main)
    try:
        yield
    finally:
        signal.signal(_WAKE, before)


def main_file(path: str) -> Path | None:
    """Return the file that `python PATH` would run, None where there is none."""
    given = Path(path)
    if given.is_dir():
        given = given / "__main__.py"
    return given if given.is_file() else None


def run_script(path: str, arguments: Sequence[str], *, stoppable: bool = False) -> Ended:
    """Run a file (or a folder's `__main__.py`) as the main program; never raises.

    `stoppable`: `stop` may be called, from any thread.
    """
    sys.argv = [path, *arguments]
    if Path(path).is_dir():
        _lead_path(os.path.realpath(path))
        run_main: Any = runpy._run_module_as_main  # type: ignore[attr-defined]
        return _ended(lambda: run_main("__main__", False), stoppable)
    full = os.path.abspath(path)
    _lead_path(os.path.dirname(os.path.realpath(path)))
    module = _fresh_main()
    module.__file__ = full
    module.__loader__ = SourceFileLoader("__main__", full)

    def run() -> None:
        with io.open_code(full) as file:
            source = file.read()
        exec(compile(source, full, "exec", dont_inherit=True), vars(module))

    return _ended(run, stoppable)


def run_module(name: str, arguments: Sequence[str], *, stoppable: bool = False) -> Ended:
    """Run a module as `python -m NAME` would; never raises. `stoppable`: as in `run_script`."""
    sys.argv = ["-m", *arguments]
    _lead_path(os.getcwd())
    _fresh_main()
    run_main: Any = runpy._run_module_as_main  # type: ignore[attr-defined]
    return _ended(lambda: run_main(name), stoppable)


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


def _ended(run: Any, stoppable: bool) -> Ended:
    try:
        with _wakes(stoppable):
            ended = _alone(run)
            if not ended.stopped:
                ended = _with_threads(ended)
    except Stopped:  # another thread has stopped it while the main one was through
        ended = Ended(1, stopped=True)
    if not ended.stopped or _have_ended(_PATIENCE_S):
        return ended
    return replace(ended, waits=True)


def _alone(run: Any) -> Ended:
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
    return ended


def _with_threads(ended: Ended) -> Ended:
    try:
        _join_threads()
    except KeyboardInterrupt:
        return Ended(128 + signal.SIGINT, interrupted=True)
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
    """Wait for the threads that Python would wait for: some train there.

    First, as Python does, tell those of pools that nothing more comes: they would wait for ever.
    """
    for end_pools in reversed(getattr(threading, "_threading_atexits", [])):
        with suppress(Exception):
            end_pools()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _have_ended(patience: float) -> bool:
    """Return whether the other threads end within so many seconds."""
    waiting = threading.Thread(target=_join_threads, daemon=True)
    waiting.start()
    waiting.join(patience)
    return not waiting.is_alive()


def leave(status: int) -> NoReturn:
    """End the process at once, with the workers that it would end, and without its threads."""
    children = sys.modules.get("multiprocessing")
    for child in children.active_children() if children is not None else ():
        if child.daemon:
            child.terminate()
    _flush()
    os._exit(status)


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
