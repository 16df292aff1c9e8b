"""Running the scripts with `torchmedic run --json`, several at a time."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clinic.scoring import Scored
from tests.clinic.visit import Said, Visit
from tests.probes.watching.running import watched

from .patients import Script

_PATIENCE_S = 240.0
_OURS = ("expert", "probes", "knowledge")


@dataclass(frozen=True, slots=True)
class Watched:
    """A script that was watched: what was said, and which lines the true finding names."""

    script: Script
    scored: Scored
    places: tuple[str, ...] = ()  # of the first finding that is true

    @property
    def is_placed(self) -> bool | None:
        """Whether the marked line is named; None where no line is marked or nothing was found."""
        if self.script.line is None or self.scored.outcome not in ("first", "in 3"):
            return None
        return f"{self.script.file}:{self.script.line}" in self.places

    def to_json(self) -> dict[str, Any]:
        """Return the visit as a JSON object."""
        return {
            **self.scored.visit.to_json(),
            "outcome": self.scored.outcome,
            "line": self.script.line,
            "places": list(self.places),
        }


def watch_all(scripts: Sequence[Script], jobs: int = 1) -> Iterator[Watched]:
    """Watch the scripts, `jobs` at a time; yields them in order as they end."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(watch_one, scripts)


def watch_one(script: Script) -> Watched:
    """Run one script in a folder of its own; what goes wrong is told in the visit's `error`."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="torchmedic-clinic-") as folder:
        try:
            found = _diagnosis(script, Path(folder))
            error = ""
        except (subprocess.TimeoutExpired, OSError, RuntimeError, ValueError) as problem:
            found, error = {"findings": [], "suspects": []}, str(problem)[:600]
    said = tuple(
        Said(f["cause"], f["certainty"], tuple(f["because_of"])) for f in found["findings"]
    )
    suspected = tuple(suspect["cause"] for suspect in found["suspects"])
    seconds = time.perf_counter() - begun
    visit = Visit(script.name, 0, said, suspected, seconds, error)
    return Watched(script, Scored(script.patient, visit), _places(script, found["findings"]))


def _diagnosis(script: Script, folder: Path) -> dict[str, Any]:
    for name in _OURS:  # one of the scripts has modules of its own by our names
        (folder / f"{name}.py").write_text("MINE = True\n")
    (folder / script.file).write_text(script.source, encoding="utf-8")
    how = ["-m", script.file.removesuffix(".py")] if script.module else [script.file]
    done = watched("--json", "found.json", *how, *script.arguments, cwd=folder, timeout=_PATIENCE_S)
    if done.returncode:
        raise RuntimeError(" ".join(done.stderr.decode(errors="replace").split())[-600:])
    diagnosis: dict[str, Any] = json.loads((folder / "found.json").read_text("utf-8"))
    return diagnosis


def _places(script: Script, findings: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    true = (f for f in findings if f["cause"] in script.patient.true_causes)
    return tuple(f"{p['file']}:{p['line']}" for p in next(true, {}).get("locations", ()))
