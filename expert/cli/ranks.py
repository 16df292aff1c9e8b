"""One process of a distributed run: it leaves its record, and one of them tells the diagnosis."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Final

from expert.cli.monitor import say
from expert.language import Language, Text
from probes.watching import ranks
from probes.watching.ranks import Rank
from probes.watching.running import Watched

if TYPE_CHECKING:
    from expert.observation import Observation
    from probes.watching.watcher import Watcher

Ours = Callable[[], AbstractContextManager[None]]
Tell = Callable[["Watcher", Ours], None]

_BEAT_S: Final = 2.0
_PATIENCE_S: Final = 3.0
_LOOK_S: Final = 5.0

_SILENT = Text(
    en="torchmedic: rank {rank} has been silent for {seconds:.0f} s, after {passes} backward passes"
    "{place}; the others wait for it.",
    zh="torchmedic：rank {rank} 已有 {seconds:.0f} 秒没有动静，停在第 {passes} 次反向传播之后"
    "{place}；其他进程正在等它。",
)
_PLACE = Text(en=" (last at {})", zh="（最后在 {}）")


class Desk:
    """Where one rank leaves its heartbeats and records, and reads those of the others."""

    def __init__(self, rank: Rank, language: Language) -> None:
        self.rank = rank
        self._language: Language = language
        self._home = os.getpid()
        self._watcher: tuple[Watcher, Ours] | None = None
        self._beat_at = 0.0
        self._noted = 0
        self._over = threading.Event()

    def open(self, tell: Tell) -> None:
        """Begin: on rank 0 a thread tells when a rank holds the others up.

        `tell`: gives the diagnosis when the launcher ends the ranks because one has failed.
        """

        def end(number: int, frame: object) -> None:
            if os.getpid() == self._home and self._watcher is not None:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                tell(*self._watcher)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, end)
        ranks.sweep(self.rank)
        self._write("beat", {"steps": 0, "backwards": 0})
        if self.rank.speaks:
            threading.Thread(target=self._listen, name="torchmedic", daemon=True).start()

    def step(self, watcher: Watcher, ours: Ours) -> None:
        """Leave a heartbeat now and then, and a record whenever there is more to compare."""
        self._watcher = watcher, ours
        now = time.monotonic()
        if now - self._beat_at >= _BEAT_S:
            self._beat_at = now
            where = watcher.now.lines.most("backward")
            counts = {"steps": watcher.now.step, "backwards": watcher.now.backwards}
            self._write("beat", counts | {"place": where})
        replicas = watcher.replicas
        if replicas is not None and len(replicas.values) > self._noted:
            self._noted = len(replicas.values)
            self._write("record", watcher.record() | {"state": None})

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        with suppress(OSError, ValueError):
            ranks.write(self.rank, kind, record)

    def end(self, watched: Watched) -> list[Observation] | None:
        """Leave the last record; returns all ranks' facts where this one tells the diagnosis."""
        self._over.set()
        failed = watched.ended.status != 0
        state = {"state": watched.ended.state, "error": watched.ended.error}
        self._write("record", watched.record | state)
        if not (failed or self.rank.speaks) or not ranks.take_floor(self.rank):
            return None
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher ends all when one fails
        from probes.watching.combining import combined

        return combined(ranks.gather(self.rank, _PATIENCE_S), watched.observations)

    def close(self) -> None:
        """Take the records of a run away whose ranks have all come to its end."""
        states = [record.get("state") for record in ranks.read(self.rank, "record").values()]
        if states == ["ended"] * self.rank.world:
            shutil.rmtree(self.rank.folder, ignore_errors=True)

    def _listen(self) -> None:
        said: set[int] = set()
        while not self._over.wait(_LOOK_S) and os.getpid() == self._home:
            for rank, beat in ranks.behind(self.rank).items():
                if rank not in said:
                    said.add(rank)
                    self._tell_silent(rank, beat)

    def _tell_silent(self, rank: int, beat: dict[str, Any]) -> None:
        place = beat.get("place")
        say(
            sys.stderr,
            _SILENT.get(self._language).format(
                rank=rank,
                seconds=time.time() - beat.get("time", time.time()),
                passes=beat.get("backwards", 0),
                place=_PLACE.get(self._language).format(place) if place else "",
            ),
        )
