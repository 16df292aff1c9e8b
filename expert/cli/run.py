"""`torchmedic run SCRIPT.py ARGS...`: watch a script that trains, print the diagnosis at its end.

The script runs in this process, as `python SCRIPT.py ARGS...` would run it: nothing but standard
library is loaded before, so that no module of ours can stand in the way of one of its own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from expert.cli.monitor import Monitor, say
from expert.cli.ranks import Desk
from expert.cli.targets import is_writable_place
from expert.cli.watch import FAILED, HEALTHY, NO_TRAINING
from expert.cli.watch_events import EventFile, Events, causes
from expert.errors import UsageError
from expert.language import Text
from probes.watching.ranks import this_rank
from probes.watching.running import OnStep, Watched, watch
from probes.watching.script import Ended, InterruptAtExit, leave, main_file, stop

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis
    from expert.knowledge.base import Knowledge
    from probes.watching.watcher import Watcher

_WATCHING = Text(
    en="torchmedic: watching {} (the diagnosis comes at its end)",
    zh="torchmedic：正在观察 {}（结束时给出诊断）",
)
_NO_TORCH = Text(
    en="torchmedic: the script did not import torch; there is nothing to diagnose.",
    zh="torchmedic：该脚本没有导入 torch，无可诊断。",
)


def run(options: argparse.Namespace) -> int:
    """Run the script of `options.line` watched; returns its own exit status."""
    target, arguments = _command(options)
    home, errors = os.getpid(), sys.stderr
    path = list(sys.path)
    desk = _desk(options)
    if desk is None or desk.rank.speaks:
        say(errors, _WATCHING.get(options.lang).format(target))
    events = Events([EventFile(options.events)] if options.events else [])
    events.send("start", schema="torchmedic.watch/1", target=target, pid=home)
    monitor = _monitor(options, errors, events)
    if desk is not None:
        desk.open(_at_termination(monitor, desk, options, errors))
    interrupt = InterruptAtExit()
    watched = watch(
        target,
        arguments,
        module=options.module,
        on_step=_on_step(monitor, desk),
        one_of_many=desk is not None,
        stoppable=options.stop_on_finding,
    )
    ended = watched.ended
    if os.getpid() != home:  # a forked child that came to the end of the script
        return ended.status
    stopped = monitor.stopped
    interrupt.wanted = ended.interrupted and stopped is None
    status = 1 if stopped is not None else ended.status
    diagnosis = None
    try:
        sys.stdout.flush()
        if stopped is not None:
            say(errors, stopped.say(options.lang))
        users_path, sys.path[:] = list(sys.path), path
        diagnosis = _diagnose(watched, monitor, desk, options, errors)
        sys.path[:] = users_path
    except KeyboardInterrupt:
        interrupt.wanted = True
    except Exception as error:
        say(errors, FAILED.get(options.lang).format(f"{type(error).__name__}: {error}"))
    found = causes(diagnosis) if diagnosis is not None else []
    events.send(
        "end", status=status, stopped=stopped is not None, steps=watched.steps, causes=found
    )
    if ended.waits:
        leave(status)
    has_findings = diagnosis is not None and bool(diagnosis.findings)
    return 1 if has_findings and options.exit_on_finding and not status else status


def _desk(options: argparse.Namespace) -> Desk | None:
    rank = this_rank(options.records)
    if rank is None:
        return None
    return Desk(rank, options.lang)


def _on_step(monitor: Monitor, desk: Desk | None) -> OnStep | None:
    if desk is None:
        return monitor.step if monitor.is_wanted else None

    def step(watcher: Watcher, ours: Callable[[], AbstractContextManager[None]]) -> None:
        desk.step(watcher, ours)
        if monitor.is_wanted:
            monitor.step(watcher, ours)

    return step


def _at_termination(
    monitor: Monitor, desk: Desk, options: argparse.Namespace, errors: TextIO
) -> Callable[[Watcher, Callable[[], AbstractContextManager[None]]], None]:
    def tell(watcher: Watcher, ours: Callable[[], AbstractContextManager[None]]) -> None:
        ended = Ended(128 + signal.SIGTERM)
        with ours(), suppress(Exception):
            from probes.watching.facts import observations_so_far

            watched = Watched(ended, observations_so_far(watcher, course=True), torch=True)
            watched.steps, watched.backward_passes = watcher.now.step, watcher.now.backwards
            watched.record = watcher.record()
            _diagnose(watched, monitor, desk, options, errors)

    return tell


def _monitor(options: argparse.Namespace, errors: TextIO, events: Events) -> Monitor:
    def knowledge() -> Knowledge:
        from expert.cli.knowledge import knowledge_for

        return knowledge_for(options)

    return Monitor(
        knowledge,
        language=options.lang,
        min_certainty=options.min_certainty,
        live=errors if options.live and os.environ.get("RANK", "0") == "0" else None,
        events=events,
        stop=(lambda _: stop()) if options.stop_on_finding else None,
    )


def _command(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the script (or module) and its arguments; raises UsageError."""
    command = list(options.line)
    if command[:1] == ["--"]:
        del command[0]
    if not command:
        raise UsageError(
            en="torchmedic run needs a script: torchmedic run train.py ARGS...",
            zh="torchmedic run 需要一个脚本：torchmedic run train.py 参数……",
        )
    target = command[0]
    if not options.module and main_file(target) is None:
        _refuse(target)
    for name in ("json", "events"):
        _refuse_unwritable(f"--{name}", getattr(options, name))
    return target, command[1:]


def _refuse(target: str) -> NoReturn:
    if Path(target).is_dir():
        raise UsageError(
            en=f"{target} is a folder without a __main__.py: name the script in it.",
            zh=f"{target} 是一个没有 __main__.py 的文件夹：请指明其中的脚本。",
        )
    raise UsageError(en=f"There is no script {target}.", zh=f"找不到脚本 {target}。")


def _refuse_unwritable(option: str, target: str | None) -> None:
    if target is None:
        return
    if target == "-" or not is_writable_place(target):
        raise UsageError(
            en=f"{option} {target}: name a file in a folder that exists (standard output belongs"
            " to the script).",
            zh=f"{option} {target}：请给出文件名，且所在文件夹必须存在（标准输出归脚本使用）。",
        )


def _diagnose(
    watched: Watched,
    monitor: Monitor,
    desk: Desk | None,
    options: argparse.Namespace,
    errors: TextIO,
) -> Diagnosis | None:
    """Print the diagnosis and return it; None where there is none to be had."""
    if desk is not None:
        together = desk.end(watched)
        if together is None:  # another rank speaks
            return None
        watched.observations = together
    if not watched.torch:
        say(errors, _NO_TORCH.get(options.lang))
        return None
    if "install" in watched.broken or "facts" in watched.broken:
        say(errors, FAILED.get(options.lang).format("; ".join(watched.broken.values())))
        return None
    if not watched.steps and not watched.backward_passes:
        say(errors, NO_TRAINING.get(options.lang))
        return None
    diagnosis = _told(watched, monitor, options, errors)
    if desk is not None:
        desk.close()
    return diagnosis


def _told(
    watched: Watched, monitor: Monitor, options: argparse.Namespace, errors: TextIO
) -> Diagnosis:
    from rich.console import Console

    from expert.report.json_report import to_json
    from expert.report.text_report import print_diagnosis

    diagnosis = monitor.diagnose(watched.observations)
    if options.json:
        path = Path(options.json)
        path.write_text(to_json(diagnosis, options.lang), encoding="utf-8")
    if diagnosis.findings:
        print_diagnosis(diagnosis, Console(file=errors, highlight=False), options.lang)
    else:
        say(errors, HEALTHY.get(options.lang).format(watched.steps or watched.backward_passes))
    return diagnosis
