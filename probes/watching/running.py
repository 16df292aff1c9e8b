"""A script, watched from the import of torch to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from expert.observation import Observation
from probes.watching.importing import AfterImport, Curtain
from probes.watching.script import Ended, run_module, run_script


@dataclass(slots=True)
class Watched:
    """What came of it. `broken`: observers that failed, with why. `steps`: optimizer steps seen."""

    ended: Ended
    observations: list[Observation] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    torch: bool = False
    steps: int = 0
    backward_passes: int = 0


def watch(target: str, arguments: Sequence[str], *, module: bool) -> Watched:
    """Run `target` (a file, or a module's name) as Python would, and return what was seen."""
    curtain, watchers, failures = Curtain(), list[Any](), dict[str, str]()
    script = None if module else os.path.abspath(target)

    def install() -> None:
        try:
            with curtain.ours():
                watcher = import_module("probes.watching.watcher").Watcher(script)
                watchers.append(watcher)
                watcher.install()
        except Exception as error:
            failures["install"] = f"{type(error).__name__}: {error}"

    curtain.draw()
    if "torch" in sys.modules:
        install()
    else:
        sys.meta_path.insert(0, AfterImport("torch", install))
    ended = (run_module if module else run_script)(target, arguments)
    with curtain.ours():
        watched = _told(ended, watchers, failures)
    curtain.lift()
    return watched


def _told(ended: Ended, watchers: list[Any], failures: dict[str, str]) -> Watched:
    watched = Watched(ended, broken=failures, torch="torch" in sys.modules)
    if not watchers:
        return watched
    watcher = watchers[0]
    try:
        watcher.finish()
        watched.observations = import_module("probes.watching.facts").observations(watcher)
    except Exception as error:
        failures["facts"] = f"{type(error).__name__}: {error}"
    failures.update(watcher.now.guard.broken)
    watched.steps, watched.backward_passes = watcher.now.step, watcher.now.backwards
    return watched
