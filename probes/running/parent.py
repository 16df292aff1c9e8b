"""The parent process at the other end of our standard input: what it tells us, and its end."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import stat
import threading
from collections.abc import Sequence
from typing import NoReturn

from probes.probe import Probe
from probes.running.events import OnEvent, ProbeWanted
from probes.running.run import Choose, Chosen

Told = queue.SimpleQueue[str]


def watch_parent() -> Told:
    """Return the lines that the parent tells; end this process with it.

    The user's `input()` gets an end of file instead of waiting for ever.
    """
    told: Told = queue.SimpleQueue()
    with contextlib.suppress(OSError):
        mode = os.fstat(0).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            pipe = os.dup(0)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
            threading.Thread(target=_listen, args=(pipe, told), daemon=True).start()
    return told


def chosen_by_parent(told: Told, on_event: OnEvent) -> Choose:
    """Return a choice of the next probe that asks the parent.

    It tells "ID SECONDS": the probe, and how long a person was waited for; an empty line for none.
    """

    def choose(waiting: Sequence[Probe]) -> Chosen | None:
        on_event(ProbeWanted())
        wanted, _, waited = told.get().partition(" ")
        probe = next((probe for probe in waiting if probe.id == wanted), None)
        return None if probe is None else Chosen(probe, float(waited))

    return choose


def _listen(pipe: int, told: Told) -> None:
    with contextlib.suppress(OSError), os.fdopen(pipe, encoding="utf-8") as lines:
        for line in lines:
            told.put(line.strip())
    _end_now()


def _end_now() -> NoReturn:
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)  # with the workers it has started
    os._exit(1)
