"""One examination of one patient, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from expert import Diagnosis, Knowledge, Observation, diagnose
from expert.tried import Tried
from probes.case.case import Case
from probes.running.run import run_probes
from probes.trials.registry import TRIALS
from probes.trials.run import run_trials

from .patient import Patient

TRIED_FINDINGS = 3


@dataclass(frozen=True, slots=True)
class Said:
    """A cause that was found, with its certainty and the findings it was said to follow from."""

    cause: str
    certainty: float
    because_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """What the real examination said of a patient, best first; `error`: why it said nothing."""

    patient: str
    seed: int
    said: tuple[Said, ...]
    suspected: tuple[str, ...]
    seconds: float
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the visit as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Visit:
        """Read what `to_json` gave."""
        said = tuple(
            Said(s["cause"], s["certainty"], tuple(s["because_of"])) for s in entry["said"]
        )
        return cls(**{**entry, "said": said, "suspected": tuple(entry["suspected"])})


def examine(
    patient: Patient, seed: int, knowledge: Knowledge, budget_s: float = 60.0, trials: bool = False
) -> Visit:
    """Return what the real examination finds in this patient; whatever it raises is told."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        diagnosis = _diagnose(patient, seed, knowledge, budget_s, trials)
    except Exception as error:
        seconds = time.perf_counter() - start
        return Visit(patient.id, seed, (), (), seconds, f"{type(error).__name__}: {error}"[:300])
    return Visit(
        patient.id,
        seed,
        tuple(Said(f.cause, f.certainty, f.because_of) for f in diagnosis.findings),
        tuple(suspect.cause for suspect in diagnosis.suspects),
        time.perf_counter() - start,
    )


def _diagnose(
    patient: Patient, seed: int, knowledge: Knowledge, budget_s: float, trials: bool
) -> Diagnosis:
    case = Case.of(patient.build(seed))
    seen = run_probes(case, budget_s=budget_s)
    diagnosis = diagnose(seen, knowledge)
    if trials and diagnosis.findings:
        diagnosis = diagnose([*seen, *_trials(case, diagnosis, seen, budget_s)], knowledge)
    return diagnosis


def _trials(
    case: Case, diagnosis: Diagnosis, seen: Iterable[Observation], budget_s: float
) -> Sequence[Observation]:
    """Return what the fixes of the top findings do to copies of the case."""
    fixes = [fix for finding in diagnosis.findings[:TRIED_FINDINGS] for fix in finding.fixes]
    wanted = {fix.trial for fix in fixes if fix.trial is not None}
    chosen = [trial for id_, trial in TRIALS.items() if id_ in wanted]
    sweep = [fact for fact in seen if fact.name.startswith("sweep.")]
    results = run_trials(case, chosen, given=sweep, budget_s=budget_s) if chosen else []
    return Tried({result.id: result.to_json() for result in results}).observations
