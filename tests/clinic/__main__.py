"""`python -m tests.clinic`: examine the patients and count hits, misses and false alarms."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from expert import Diagnosis, built_in_knowledge, diagnose
from probes.case.case import Case
from probes.running.run import run_probes

from .patients import PATIENTS, Patient
from .training import predictions, train


@dataclass(frozen=True, slots=True)
class Visit:
    """One examination of one patient."""

    patient: Patient
    seed: int
    found: tuple[str, ...]  # causes, best first
    certainties: tuple[float, ...]
    seconds: float
    suspected: tuple[str, ...] = ()

    @property
    def place(self) -> int | None:
        """Where the first true cause stands, from 1; None when it is not among the findings."""
        true = {self.patient.cause, *self.patient.also_accept}
        return next((i for i, cause in enumerate(self.found, 1) if cause in true), None)

    @property
    def outcome(self) -> str:
        """`first`, `in 3`, `late` or `MISSED`; for the healthy `silent` or `ALARM`."""
        if self.patient.cause is None:
            return "ALARM" if self.found else "silent"
        if self.place is None:
            return "MISSED"
        return "first" if self.place == 1 else "in 3" if self.place <= 3 else "late"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen patients; return 1 when one is missed or a healthy one alarms."""
    options = _options(arguments)
    torch.set_num_threads(1)
    patients = [patient for patient in PATIENTS if options.only in patient.id]
    if options.train:
        _print_scores(patients, options.seeds)
        return 0
    visits = []
    for patient in patients:
        for seed in options.seeds:
            visits.append(examine(patient, seed, options.budget))
            print(_line(visits[-1]), flush=True)
    print(summary(visits))
    return int(any(visit.outcome in ("MISSED", "ALARM") for visit in visits))


def examine(patient: Patient, seed: int, budget_s: float = 60.0) -> Visit:
    """Return what the real examination finds in this patient."""
    start = time.perf_counter()
    observations = run_probes(Case.of(patient.build(seed)), budget_s=budget_s)
    diagnosis: Diagnosis = diagnose(observations, built_in_knowledge())
    findings = diagnosis.findings
    return Visit(
        patient,
        seed,
        tuple(finding.cause for finding in findings),
        tuple(finding.certainty for finding in findings),
        time.perf_counter() - start,
        tuple(suspect.cause for suspect in diagnosis.suspects),
    )


def summary(visits: Sequence[Visit]) -> str:
    """Return the counts over all visits in a few lines."""
    ill = [visit for visit in visits if visit.patient.cause]
    well = [visit for visit in visits if not visit.patient.cause]
    first = sum(visit.outcome == "first" for visit in ill)
    in_three = sum(visit.outcome in ("first", "in 3") for visit in ill)
    missed = sum(visit.outcome == "MISSED" for visit in ill)
    alarms = sum(visit.outcome == "ALARM" for visit in well)
    seconds = [visit.seconds for visit in visits] or [0.0]
    return (
        f"\nill {len(ill)}: true cause first {first}, in first three {in_three}, missed {missed}"
        f"\nhealthy {len(well)}: false alarms {alarms}"
        f"\nseconds: median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}"
    )


def _line(visit: Visit) -> str:
    found = ", ".join(
        f"{cause} {certainty:.2f}"
        for cause, certainty in list(zip(visit.found, visit.certainties, strict=True))[:4]
    )
    true = visit.patient.cause or "healthy"
    return (
        f"{visit.outcome:7s}{visit.patient.id:46s} seed {visit.seed}  {true:28s}"
        f"{visit.seconds:6.1f} s  {found or '-'}"
    )


def _print_scores(patients: Sequence[Patient], seeds: Sequence[int]) -> None:
    """Train every patient and print its validation scores: are the ill ill and the well well?"""
    for patient in patients:
        scores, error = [], ""
        for seed in seeds:
            case = patient.build(seed)
            error = train(case) or error
            scores.append(f"{patient.score(*predictions(case)):7.3f}")
        print(f"{patient.id:46s} {patient.cause or 'healthy':28s} {' '.join(scores)}  {error[:60]}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.clinic", description=__doc__)
    parser.add_argument("--only", default="", metavar="ID", help="patients whose id contains ID")
    parser.add_argument("--seeds", default=[0], type=_integers, metavar="0,1", help="default: 0")
    parser.add_argument("--budget", default=60.0, type=float, metavar="SECONDS", help="default: 60")
    parser.add_argument("--train", action="store_true", help="train them and print their scores")
    return parser.parse_args(arguments)


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    raise SystemExit(main())
