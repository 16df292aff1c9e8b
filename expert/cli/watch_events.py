"""What happens in a watched run, as JSON Lines for programs (`torchmedic run --events FILE`).

One object a line, `docs/watching.md` lists them; new keys and events may come, these stay.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis

SCHEMA: Final = "torchmedic.watch/1"

Listener = Callable[[dict[str, Any]], None]


class EventFile:
    """Appends events to a file or a named pipe; stays silent once nobody can take them."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        try:
            self._file.write(json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n")
        except (OSError, ValueError):
            self._file.close()


class Events:
    """Gives events to listeners, each with its time since the start; a listener never stops us."""

    def __init__(self, listeners: list[Listener]) -> None:
        self._listeners = listeners
        self._began = time.monotonic()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def send(self, event: str, **values: Any) -> None:
        """Send `event`; numbers that JSON does not know become their names."""
        sent = {"event": event, "seconds": round(time.monotonic() - self._began, 3)}
        sent |= {name: _plain(value) for name, value in values.items()}
        for listener in list(self._listeners):
            try:
                listener(sent)
            except Exception:
                self._listeners.remove(listener)


def causes(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Return the findings, best first, then the suspects, shortly."""
    return [
        {
            "cause": finding.cause,
            "certainty": round(finding.certainty, 3),
            "title": finding.title.to_json(),
            "locations": [{"file": p.file, "line": p.line} for p in finding.locations],
        }
        for finding in [*diagnosis.findings, *diagnosis.suspects]
    ]


def _plain(value: Any) -> Any:
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
