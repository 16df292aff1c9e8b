"""`torchmedic clinic --scripts`: watch the scripts, count hits, misses, false alarms and lines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from expert.errors import UsageError
from tests.clinic.printing import print_summary, print_visit
from tests.clinic.scoring import summary

from .patients import Script, scripts
from .running import Watched, watch_all

SCHEMA = "torchmedic.clinic-scripts/1"


def run(options: argparse.Namespace) -> int:
    """Watch the chosen scripts; return 1 when one is missed, misplaced or alarms for nothing."""
    wanted = chosen(options)
    console = Console(highlight=False, soft_wrap=True)
    if options.list:
        for script in wanted:
            print(f"{script.name:54s} {script.cause or 'healthy'}")
        return 0
    done = []
    for one in watch_all(wanted, options.jobs):
        done.append(one)
        print_visit(one.scored, console)
    print_summary([one.scored for one in done], console)
    print_lines(done, console)
    if options.json:
        report = {
            "schema": SCHEMA,
            "summary": summary([one.scored for one in done]),
            "scripts": [one.to_json() for one in done],
        }
        Path(options.json).write_text(json.dumps(report, indent=1), encoding="utf-8")
    wrong = ("MISSED", "ALARM", "late")
    return int(any(one.scored.outcome in wrong or one.is_placed is False for one in done))


def chosen(options: argparse.Namespace) -> list[Script]:
    """Return the scripts that the options name and that can run here. Raises UsageError."""
    found = [
        script
        for script in scripts()
        if any(part in script.name for part in options.only or [""])
        and (not options.cause or options.cause in script.patient.true_causes)
        and script.can_run
    ]
    if not found:
        raise UsageError(
            en="No script fits --only and --cause: see torchmedic clinic --scripts --list.",
            zh="没有符合 --only 和 --cause 的脚本：请看 torchmedic clinic --scripts --list。",
        )
    return found


def print_lines(done: Sequence[Watched], console: Console) -> None:
    """Print how many of the found faults name the right line, and those that do not."""
    placed = [one for one in done if one.is_placed is not None]
    if not placed:
        return
    right = sum(one.is_placed is True for one in placed)
    console.print(f"{'line named':22s} {right} of {len(placed)}")
    for one in placed:
        if not one.is_placed:
            expected = f"{one.script.file}:{one.script.line}"
            console.print(
                f"  {one.script.name}: expected {expected}, named {', '.join(one.places) or '-'}",
                markup=False,
            )
