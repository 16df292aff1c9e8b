"""A child process with two channels: lines on its standard output, text on its standard error."""

from __future__ import annotations

import codecs
import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO, Final, Literal

Channel = Literal["event", "output", "silence"]
_TICK: Final = 0.2  # seconds between two looks at a silent process
_GRACE: Final = 5.0  # seconds that the system may take to end a killed process
_LEFTOVERS: Final = 1.0  # seconds to wait for channels that a grandchild still holds open


class ChildProcess:
    """Runs a command in a session of its own, holding its standard input open.

    The child ends when that closes, so it never outlives us, however we end.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C comes to us alone, and its workers die with it
        )
        self._heard: queue.Queue[tuple[Channel, str]] = queue.Queue(maxsize=1000)
        self._readers = [
            threading.Thread(target=self._read_lines, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_text, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def status(self) -> int:
        """The exit status once it has ended; negative is the signal that killed it."""
        status = self._process.poll()
        return 0 if status is None else status

    def listen(self) -> Iterator[tuple[Channel, str]]:
        """Yield what it says until it has ended; ("silence", "") when it says nothing."""
        ended_at: float | None = None
        while True:
            try:
                yield self._heard.get(timeout=_TICK)
                continue
            except queue.Empty:
                yield "silence", ""
            if self._process.poll() is not None:
                ended_at = ended_at or time.monotonic()
                reading = any(reader.is_alive() for reader in self._readers)
                if not reading or time.monotonic() - ended_at > _LEFTOVERS:
                    break
        while not self._heard.empty():
            yield self._heard.get_nowait()

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C would; it may still say something. Safe from any thread."""
        with contextlib.suppress(ProcessLookupError, PermissionError, OSError):
            self._process.send_signal(signal.SIGINT)

    def tell(self, line: str) -> None:
        """Write a line to its standard input; nothing happens when it has ended."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()

    def kill(self) -> None:
        """End it and everything it has started, now. Safe from any thread, and twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError, OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def end(self) -> None:
        """End it, whatever it is doing, and wait until it is gone."""
        self.kill()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def _read_lines(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._heard.put(("event", line.decode("utf-8", "replace")))

    def _read_text(self, stream: IO[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := os.read(stream.fileno(), 65536):
            self._heard.put(("output", decoder.decode(chunk)))
