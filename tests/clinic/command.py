"""`torchmedic clinic`: examine the patients, count hits, misses and false alarms."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.errors import UsageError

from .held_out import HELD_OUT_SEEDS, is_held_out
from .patient import Patient
from .patients import PATIENTS, patient_called
from .printing import print_summary, print_visit
from .running import Appointment, Round, visits
from .scoring import Scored, summary
from .training import predictions, train
from .visit import Visit

SCHEMA = "torchmedic.clinic/1"


def run(options: argparse.Namespace) -> int:
    """Examine the chosen patients; return 1 when one is missed or a healthy one alarms."""
    if options.scripts:
        from .scripts import command

        return command.run(options)
    patients = chosen(options)
    seeds = options.seeds or (list(HELD_OUT_SEEDS) if options.held_out else [0])
    console = Console(highlight=False, soft_wrap=True)
    if options.list:
        for patient in patients:
            print(f"{patient.id:64s} {' + '.join(_names(patient)) or 'healthy'}")
        return 0
    if options.train:
        _print_scores(patients, seeds)
        return 0
    done = _scored(_written(options.json)) if options.json else []
    scored = [one for one in done if one.visit.seed in seeds and one.patient in patients]
    seen = {(one.visit.patient, one.visit.seed) for one in scored}
    wanted = [Appointment(p.id, s) for p in patients for s in seeds if (p.id, s) not in seen]
    if scored:
        console.print(f"{len(scored)} visits taken from {options.json}")
    knowledge_for(options)  # a mistake in a pack is told once, before anybody is examined
    how = Round(options.budget, options.trials, tuple(options.rules), options.lang)
    for visit in visits(wanted, how, options.jobs):
        scored += _scored([visit])
        print_visit(scored[-1], console)
        if options.json:
            _write(options.json, [*scored, *(one for one in done if one not in scored)])
    print_summary(scored, console)
    return int(any(one.outcome in ("MISSED", "ALARM") for one in scored))


def chosen(options: argparse.Namespace) -> list[Patient]:
    """Return the patients that the options name. Raises UsageError where they name none."""
    found = [
        patient
        for patient in PATIENTS
        if any(part in patient.id for part in options.only or [""])
        and (not options.cause or options.cause in patient.true_causes)
        and (not options.held_out or is_held_out(patient))
    ]
    if not found:
        raise UsageError(
            en="No patient fits --only, --cause and --held-out: see torchmedic clinic --list.",
            zh="没有符合 --only、--cause 和 --held-out 的病例：请看 torchmedic clinic --list。",
        )
    return found


def _names(patient: Patient) -> Sequence[str]:
    return [name for name in (patient.cause, *patient.second[:1]) if name]


def _scored(found: Iterable[Visit]) -> list[Scored]:
    known = {patient.id for patient in PATIENTS}
    return [Scored(patient_called(one.patient), one) for one in found if one.patient in known]


def _written(file: str) -> list[Visit]:
    """Return the visits of an earlier, perhaps interrupted, round; none where there is no file."""
    path = Path(file)
    if not path.exists():
        return []
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["schema"] != SCHEMA:
            raise ValueError
        return [Visit.from_json(entry) for entry in report["visits"]]
    except (ValueError, KeyError, TypeError, OSError):
        raise UsageError(
            en=f"{file} is not a report of torchmedic clinic: name another file for --json.",
            zh=f"{file} 不是 torchmedic clinic 的报告：请为 --json 指定另一个文件。",
        ) from None


def _write(file: str, scored: Sequence[Scored]) -> None:
    """Write the report at once or not at all: an interrupted round goes on from it."""
    report = {
        "schema": SCHEMA,
        "summary": summary(scored),
        "visits": [one.visit.to_json() for one in scored],
    }
    part = Path(f"{file}.part")
    part.write_text(json.dumps(report, indent=1), encoding="utf-8")
    os.replace(part, file)


def _print_scores(patients: Sequence[Patient], seeds: Sequence[int]) -> None:
    """Train every patient and print its validation scores: are the ill ill and the well well?"""
    for patient in patients:
        if patient.score is None:
            continue
        scores, error = [], ""
        for seed in seeds:
            case = patient.build(seed)
            error = train(case) or error
            scores.append(f"{patient.score(*predictions(case)):7.3f}")
        truth = patient.cause or "healthy"
        print(f"{patient.id:54s} {truth:28s} {' '.join(scores)}  {error[:60]}", flush=True)
