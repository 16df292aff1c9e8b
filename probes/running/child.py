"""One examination in a process of its own, told as JSON lines on what was its standard output.

Whatever the user's code prints goes to standard error. The process ends when its standard input
(a pipe that the parent holds open) closes, and at once on SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

import torch

from expert.errors import TorchmedicError, UsageError, UserCodeError
from expert.observation import Observation
from expert.spelling import nearest
from probes.case.case import Case
from probes.case.case_file import load_case
from probes.case.device import move_case
from probes.case.user_imports import users_first
from probes.installed import all_probes
from probes.probe import Probe
from probes.registry import PROBES
from probes.running.events import Event, Warned
from probes.running.parent import Told, chosen_by_parent, watch_parent
from probes.running.run import first_of, run_probes
from probes.trials.registry import named
from probes.trials.run import run_trials
from probes.trials.trial import Trial, TrialExamination, treated

EXIT_USAGE: Final = 2
EXIT_USER_CODE: Final = 3


def main(arguments: Sequence[str]) -> int:
    """Examine the case that the arguments name; returns the exit status."""
    events = _take_output()
    told = watch_parent()
    _die_first()
    try:
        options = _options(arguments)
        installed = () if options.trials else _installed(events)
        sys.argv = [options.spec.rpartition(":")[0] or options.spec]  # the user's code may look
        with users_first():
            _examine(options, installed, events, told)
    except TorchmedicError as error:
        _tell(events, _error_event(error))
        return EXIT_USER_CODE if isinstance(error, UserCodeError) else EXIT_USAGE
    _tell(events, {"event": "end"})
    return 0


def _examine(
    options: argparse.Namespace, installed: Sequence[Probe], events: TextIO, told: Told
) -> None:
    def on_event(event: Event) -> None:
        _tell(events, event.to_json())

    chosen = _chosen(options.only, installed)
    trials, base = named(options.trials), named(options.treated)
    given = [Observation.from_json(entry) for entry in json.loads(options.given)]
    case = load_case(options.spec)
    if options.device:
        case = move_case(case, options.device)
    if trials:
        share = named(options.share) or trials
        run_trials(
            _for_worker(case, options.worker, options.jobs),
            share,
            told=trials,
            base=base,
            given=given,
            budget_s=options.budget,
            memory=options.memory,
            on_event=on_event,
        )
        return
    with _treated(case, base, given) as changed:
        choose = chosen_by_parent(told, on_event) if options.asking else first_of
        run_probes(
            changed, probes=chosen, budget_s=options.budget, on_event=on_event, choose=choose
        )


def _for_worker(case: Case, worker: int, jobs: int) -> Case:
    """Return the case on the GPU of this worker; on the CPU several share the cores."""
    if jobs < 2:
        return case
    if case.device().type == "cuda" and torch.cuda.device_count() > 1:
        return move_case(case, f"cuda:{worker % torch.cuda.device_count()}")
    torch.set_num_threads(max(torch.get_num_threads() // jobs, 1))
    return case


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


def _installed(events: TextIO) -> Sequence[Probe]:
    """Return all probes; imported before the user's folder is on the path."""
    return all_probes(lambda text: _tell(events, Warned(text).to_json()))


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
    parser.add_argument("--asking", action="store_true")  # the parent chooses each next probe
    parser.add_argument("--trials", default="")  # these instead of probes
    parser.add_argument("--share", default="")  # those of the trials that this process makes
    parser.add_argument("--worker", type=int, default=0)  # which of the processes this is
    parser.add_argument("--jobs", type=int, default=1)  # how many there are
    parser.add_argument("--memory", type=int, default=None)  # bytes that copies may take
    parser.add_argument("--treated", default="")  # treatments applied beforehand
    parser.add_argument("--given", default="[]")  # facts for them, as JSON
    options = parser.parse_args(arguments)
    if not (math.isfinite(options.budget) and options.budget >= 0):
        raise UsageError(
            en=f"The budget is {options.budget}: give a number of seconds, such as 60.",
            zh=f"时间预算是 {options.budget}：请给出秒数，例如 60。",
        )
    return options


def _chosen(only: str, probes: Sequence[Probe] = PROBES) -> Sequence[Probe]:
    """Return those of `probes` named in "a,b", in their order; all when none is named."""
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    known = [probe.id for probe in probes]
    for name in wanted:
        if name not in known:
            hint = nearest(name, known) or ", ".join(known)
            raise UsageError(
                en=f"There is no probe `{name}`: did you mean {hint}?",
                zh=f"没有名为 `{name}` 的探针：您是否想写 {hint}？",
            )
    return [probe for probe in probes if not wanted or probe.id in wanted]


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


def _die_first() -> None:
    """Be killed at once when asked to, and before others when memory runs out; tell crashes."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(Exception):
        faulthandler.enable()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
