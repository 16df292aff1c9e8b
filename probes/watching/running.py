"""A script, watched from the import of torch to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from expert.observation import Observation
from probes.watching import active
from probes.watching.importing import AfterImport, Curtain
from probes.watching.script import Ended, run_module, run_script

if TYPE_CHECKING:
    from probes.watching.watcher import Watcher

#: Called after every step with the watcher and what makes our own modules importable meanwhile.
OnStep = Callable[["Watcher", Callable[[], AbstractContextManager[None]]], None]


@dataclass(slots=True)
class Watched:
    """What came of it. `broken`: observers that failed, with why. `steps`: optimizer steps seen."""

    ended: Ended
    observations: list[Observation] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    torch: bool = False
    steps: int = 0
    backward_passes: int = 0
    record: dict[str, Any] = field(default_factory=dict)  # of one rank of several


def watch(
    target: str,
    arguments: Sequence[str],
    *,
    module: bool,
    on_step: OnStep | None = None,
    one_of_many: bool = False,
    stoppable: bool = False,
) -> Watched:
    """Run `target` (a file, or a module's name) as Python would, and return what was seen.

    `one_of_many`: this is one rank of a distributed run. `stoppable`: `on_step` may call `stop`.
    """
    curtain, watchers, failures = Curtain(), list[Any](), dict[str, str]()
    script = None if module else os.path.abspath(target)

    def tell(watcher: Watcher) -> None:
        assert on_step is not None
        on_step(watcher, curtain.ours)

    def install() -> None:
        try:
            with curtain.ours():
                made = import_module("probes.watching.watcher").Watcher(
                    script, tell if on_step is not None else None, one_of_many=one_of_many
                )
                watchers.append(made)
                active.claim(made)
                made.install()
        except Exception as error:
            failures["install"] = f"{type(error).__name__}: {error}"

    curtain.draw()
    if "torch" in sys.modules:
        install()
    else:
        sys.meta_path.insert(0, AfterImport("torch", install))
    run = run_module if module else run_script
    ended = run(target, arguments, stoppable=stoppable)
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
        active.release(watcher)
        if watcher.replicas is not None:
            watched.record = watcher.record()
        watched.observations = import_module("probes.watching.facts").observations(watcher)
    except Exception as error:
        failures["facts"] = f"{type(error).__name__}: {error}"
    failures.update(watcher.now.guard.broken)
    watched.steps, watched.backward_passes = watcher.now.step, watcher.now.backwards
    return watched
