"""Which rank of a distributed run this process is, and where all ranks leave their records.

Nothing here talks to the other ranks: no collective of ours may stand between the user's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_KEPT_S: Final = 86_400.0
_FRESH_S: Final = 10.0  # a rank whose heartbeat is older is silent


@dataclass(frozen=True, slots=True)
class Rank:
    """One of `world` processes. `key`: the same for all of a run and for no other run."""

    rank: int
    world: int
    key: str
    folder: Path

    @property
    def speaks(self) -> bool:
        """Return whether this is the rank that talks to the user."""
        return self.rank == 0


def this_rank(
    records: str | None = None, environment: Mapping[str, str] = os.environ
) -> Rank | None:
    """Return which rank this is, None outside of torchrun, `accelerate launch` and their like.

    `records`: a folder that all hosts see; without one, a temporary folder of this host.
    """
    try:
        rank, world = int(environment["RANK"]), int(environment["WORLD_SIZE"])
    except (KeyError, ValueError):
        return None
    if world < 2:
        return None
    names = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT")
    given = [environment.get(name, "") for name in names]
    if records is None:  # the launcher of this host is the parent of all its ranks
        given.append(str(os.getppid()))
    key = hashlib.sha256("\n".join(given).encode()).hexdigest()[:16]
    root = Path(records) if records else Path(tempfile.gettempdir()) / f"torchmedic-{_user()}"
    return Rank(rank, world, key, root / key)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def write(rank: Rank, kind: str, record: Mapping[str, Any]) -> None:
    """Put down a rank's `kind` ("beat" or "record") whole: a reader never sees half of it."""
    rank.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = rank.folder / f"{kind}-{rank.rank}.json"
    fresh = target.with_suffix(f".{os.getpid()}.new")
    stamped = {"time": time.time(), "host": socket.gethostname(), "rank": rank.rank, **record}
    fresh.write_text(json.dumps(stamped), encoding="utf-8")
    fresh.replace(target)


def read(rank: Rank, kind: str) -> dict[int, dict[str, Any]]:
    """Return what the ranks have put down so far, by rank."""
    found: dict[int, dict[str, Any]] = {}
    for other in range(rank.world):
        try:
            text = (rank.folder / f"{kind}-{other}.json").read_text(encoding="utf-8")
            found[other] = json.loads(text)
        except (OSError, ValueError):
            continue
    return found


def sweep(rank: Rank) -> None:
    """Take away what runs of days ago have left beside this one's folder."""
    for folder in rank.folder.parent.glob("*"):
        if folder != rank.folder and (folder / "speaker").is_file():
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _KEPT_S:
                    shutil.rmtree(folder, ignore_errors=True)


def take_floor(rank: Rank) -> bool:
    """Return whether this rank is the one that tells the diagnosis: the first that asks."""
    try:
        rank.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (rank.folder / "speaker").open("x").close()
    except FileExistsError:
        return False
    except OSError:
        return rank.speaks
    return True


def gather(rank: Rank, patience: float) -> dict[int, dict[str, Any]]:
    """Return the records, waiting `patience` seconds at most for ranks that are still at work.

    A rank without a record, or whose record is unfinished, is described by its last heartbeat.
    """
    until = time.monotonic() + patience
    while True:
        records = read(rank, "record")
        missing = [r for r in range(rank.world) if records.get(r, {}).get("state") is None]
        if not missing or time.monotonic() > until:
            break
        time.sleep(0.05)
    beats = read(rank, "beat")
    return {r: _newest(beats.get(r, {}), records.get(r, {})) for r in range(rank.world)}


def _newest(beat: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    return record | beat if beat.get("time", 0) > record.get("time", 0) else beat | record


def behind(rank: Rank) -> dict[int, dict[str, Any]]:
    """Return the heartbeats of the ranks that hold all others up: silent, and fewest steps."""
    beats, now = read(rank, "beat"), time.time()
    if len(beats) < 2:
        return {}
    done = {r: beats.get(r, {}).get("backwards", 0) for r in range(rank.world)}
    least = min(done.values())
    if least == max(done.values()):
        return {}
    late = {r: beats.get(r, {}) for r, count in done.items() if count == least}
    return {r: b for r, b in late.items() if now - b.get("time", 0.0) > _FRESH_S}
