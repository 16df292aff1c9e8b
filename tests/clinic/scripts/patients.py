"""The scripts: read from their files, and those of the watcher's own tests."""

from __future__ import annotations

import importlib.util
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.clinic.patient import Patient
from tests.probes.watching.scripts import FAULTY, HEALTHY, line_of

_HERE: Final = Path(__file__).parent
_SAID: Final = re.compile(r"# (cause|or|arguments|needs|module|healthy)(?:: (.*))?")


@dataclass(frozen=True)
class Script:
    """A training script, what is wrong with it, and the line that should be named."""

    name: str
    source: str
    cause: str | None
    also: tuple[str, ...] = ()
    line: int | None = None
    arguments: tuple[str, ...] = ()
    module: bool = False
    needs: str | None = None

    @property
    def file(self) -> str:
        """The name under which it is run."""
        return f"{self.name.rpartition('/')[2].replace(' ', '_').replace('-', '_')}.py"

    @property
    def can_run(self) -> bool:
        """Whether the package that it trains with is installed."""
        return self.needs is None or importlib.util.find_spec(self.needs) is not None

    @cached_property
    def patient(self) -> Patient:
        """The patient that the clinic scores."""
        return Patient(self.name, self.cause, _no_case, self.also)


def _no_case(seed: int) -> dict[str, object]:
    raise TypeError("a script has no case function: it is run")


def _read(path: Path) -> Script:
    source = path.read_text(encoding="utf-8")
    said: dict[str, str] = {}
    for line in source.splitlines():
        if (found := _SAID.fullmatch(line)) is None:
            break
        said[found.group(1)] = found.group(2) or ""
    marked = [i for i, line in enumerate(source.splitlines(), 1) if line.endswith("# HERE")]
    return Script(
        name=f"{path.parent.name}/{path.stem}",
        source=source,
        cause=said.get("cause"),
        also=tuple(filter(None, said.get("or", "").split(", "))),
        line=marked[0] if marked else None,
        arguments=tuple(shlex.split(said.get("arguments", ""))),
        module="module" in said,
        needs=said.get("needs"),
    )


def scripts() -> tuple[Script, ...]:
    """Return all scripts, those of `tests/probes/watching` as `loop/...`."""
    faulty = [
        Script(f"loop/{name}", source, cause, line=line_of(source, mark))
        for name, (source, cause, mark) in FAULTY.items()
    ]
    healthy = [Script(f"loop/healthy {name}", source, None) for name, source in HEALTHY.items()]
    written = [_read(path) for kind in ("faulty", "healthy") for path in _found(kind)]
    return (*faulty, *healthy, *written)


def _found(kind: str) -> list[Path]:
    return sorted((_HERE / kind).glob("*.py"))
