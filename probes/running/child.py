"""One examination in a process of its own, told as JSON lines on what was its standard output.

Whatever the user's code prints goes to standard error. The process ends when its standard input
(a pipe that the parent holds open) closes, and at once on SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import faulthandler
import json
import math
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from expert.errors import TorchmedicError, UsageError, UserCodeError
from expert.observation import Observation
from probes.case.case import Case
from probes.case.case_file import load_case
from probes.case.device import move_case
from probes.case.user_imports import users_first
from probes.probe import Probe
from probes.registry import PROBES
from probes.running.events import Event
from probes.running.run import run_probes
from probes.trials.registry import named
from probes.trials.run import run_trials
from probes.trials.trial import Trial, TrialExamination, treated

EXIT_USAGE: Final = 2
EXIT_USER_CODE: Final = 3


def main(arguments: Sequence[str]) -> int:
    """Examine the case that the arguments name; returns the exit status."""
    events = _take_output()
    _watch_parent()
    _die_first()
    try:
        options = _options(arguments)
        sys.argv = [options.spec.rpartition(":")[0] or options.spec]  # the user's code may look
        with users_first():
            _examine(options, events)
    except TorchmedicError as error:
        _tell(events, _error_event(error))
        return EXIT_USER_CODE if isinstance(error, UserCodeError) else EXIT_USAGE
    _tell(events, {"event": "end"})
    return 0


def _examine(options: argparse.Namespace, events: TextIO) -> None:
    def on_event(event: Event) -> None:
        _tell(events, event.to_json())

    chosen, trials, base = _chosen(options.only), named(options.trials), named(options.treated)
    given = [Observation.from_json(entry) for entry in json.loads(options.given)]
    case = load_case(options.spec)
    if options.device:
        case = move_case(case, options.device)
    if trials:
        run_trials(case, trials, base=base, given=given, budget_s=options.budget, on_event=on_event)
        return
    with _treated(case, base, given) as changed:
        run_probes(changed, probes=chosen, budget_s=options.budget, on_event=on_event)


@contextlib.contextmanager
def _treated(case: Case, base: Sequence[Trial], given: Sequence[Observation]) -> Iterator[Case]:
    """Examine the case as treatments would leave it."""
    if not base:
        yield case
        return
    exam = TrialExamination(case)
    exam.found = {seen.name: seen for seen in given}
    with treated(exam, base) as inner:
        yield inner.case


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(
            en=f"python -m probes: {message}.", zh=f"python -m probes 的参数有误：{message}。"
        )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m probes", add_help=False, allow_abbrev=False)
    parser.add_argument("spec", metavar="FILE.py:FUNC")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--device", default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--trials", default="")  # these instead of probes
    parser.add_argument("--treated", default="")  # treatments applied beforehand
    parser.add_argument("--given", default="[]")  # facts for them, as JSON
    options = parser.parse_args(arguments)
    if not (math.isfinite(options.budget) and options.budget >= 0):
        raise UsageError(
            en=f"The budget is {options.budget}: give a number of seconds, such as 60.",
            zh=f"时间预算是 {options.budget}：请给出秒数，例如 60。",
        )
    return options


def _chosen(only: str) -> Sequence[Probe]:
    """Return the probes named in "a,b", in the registry's order; all when none is named."""
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    known = [probe.id for probe in PROBES]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = near[0] if near else ", ".join(known)
            raise UsageError(
                en=f"There is no probe `{name}`: did you mean {hint}?",
                zh=f"没有名为 `{name}` 的探针：您是否想写 {hint}？",
            )
    return [probe for probe in PROBES if not wanted or probe.id in wanted]


def _tell(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event, allow_nan=False) + "\n")
    events.flush()


def _error_event(error: TorchmedicError) -> dict[str, Any]:
    kind = "user-code" if isinstance(error, UserCodeError) else "usage"
    traceback = error.traceback if isinstance(error, UserCodeError) else None
    return {
        "event": "error",
        "kind": kind,
        "message": error.text.to_json(),
        "traceback": traceback or None,
    }


def _take_output() -> TextIO:
    """Keep standard output for the events; what else is written there goes to standard error."""
    sys.stdout.flush()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return events


def _watch_parent() -> None:
    """End with the parent. The user's `input()` gets an end of file instead of waiting for ever."""
    with contextlib.suppress(OSError):
        mode = os.fstat(0).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return
        pipe = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()


def _end_with(pipe: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 4096):
            pass
    _end_now()


def _end_now() -> NoReturn:
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)  # with the workers it has started
    os._exit(1)


def _die_first() -> None:
    """Be killed at once when asked to, and before others when memory runs out; tell crashes."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(Exception):
        faulthandler.enable()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
