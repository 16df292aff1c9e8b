"""What visits add up to: hits and misses per cause, false alarms, and whether certainties hold."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from .patient import Patient
from .visit import Said, Visit

Outcome = Literal["first", "in 3", "late", "MISSED", "suspect", "half", "silent", "ALARM"]

#: A proven slip that keeps no network from learning: told as a suspicion, not as a finding.
SUSPECTED_ONLY: Final = frozenset({"preprocessing-fit-on-all-data"})
BINS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Scored:
    """A visit beside the truth about its patient."""

    patient: Patient
    visit: Visit

    @property
    def places(self) -> tuple[int | None, ...]:
        """Where each fault stands among the findings, from 1; None for one that is not there."""
        return tuple(_place(fault, self.visit.said) for fault in self.patient.faults)

    @property
    def outcome(self) -> Outcome:
        """How well the patient was diagnosed.

        With two faults: `first` if both stand in the first three and one of them first, `half` if
        only one does.
        """
        if self.patient.cause is None:
            return "ALARM" if self.visit.said or self.visit.error else "silent"
        if self.patient.cause in SUSPECTED_ONLY and self.patient.cause in self.visit.suspected:
            return "suspect"
        found = [place for place in self.places if place is not None]
        near = [place for place in found if place <= 3]
        if not found:
            return "MISSED"
        if len(near) < len(self.places):
            return "half" if near and len(self.places) > 1 else "late"
        return "first" if min(near) == 1 else "in 3"

    def is_right(self, said: Said) -> bool:
        """Return whether a finding is true: a fault, or told as following from one."""
        true = self.patient.true_causes
        return said.cause in true or not true.isdisjoint(said.because_of)


@dataclass(frozen=True, slots=True)
class Row:
    """How many patients had which outcome."""

    patients: int
    first: int
    in_three: int
    missed: int
    suspected: int
    seconds: float

    @classmethod
    def of(cls, scored: Sequence[Scored]) -> Row:
        """Count visits of the ill."""
        outcomes = [one.outcome for one in scored]
        first, suspected = outcomes.count("first"), outcomes.count("suspect")
        in_three = first + outcomes.count("in 3")
        return cls(
            len(outcomes),
            first,
            in_three,
            sum(outcome in ("MISSED", "late", "half") for outcome in outcomes),
            suspected,
            statistics.median(one.visit.seconds for one in scored) if scored else 0.0,
        )


@dataclass(frozen=True, slots=True)
class Bin:
    """Findings said with a certainty in [low, high), the last bin with 1 included."""

    low: float
    high: float
    said: int
    right: int


def by_cause(scored: Iterable[Scored]) -> dict[str, list[Scored]]:
    """Return the visits of patients with one fault by its cause, causes sorted."""
    found: dict[str, list[Scored]] = {}
    for one in scored:
        if one.patient.cause is not None and not one.patient.second:
            found.setdefault(one.patient.cause, []).append(one)
    return dict(sorted(found.items()))


def reliability(scored: Iterable[Scored]) -> list[Bin]:
    """Return how many of the findings said with each certainty were right."""
    told = _told(scored)
    bins = []
    for low, high in pairwise(BINS):
        inside = [right for c, right in told if low <= c < high or c == high == 1.0]
        bins.append(Bin(low, high, len(inside), sum(inside)))
    return bins


def brier(scored: Iterable[Scored]) -> float | None:
    """Return the mean squared distance of certainties from the truth; None without findings."""
    told = _told(scored)
    return statistics.fmean((c - right) ** 2 for c, right in told) if told else None


def summary(scored: Sequence[Scored]) -> dict[str, object]:
    """Return all counts as a JSON object."""
    ill, two, well = groups(scored)
    return {
        "causes": {cause: _counts(Row.of(those)) for cause, those in by_cause(scored).items()},
        "ill": _counts(Row.of(ill)),
        "two_faults": _counts(Row.of(two)),
        "healthy": len(well),
        "false_alarms": sum(one.outcome == "ALARM" for one in well),
        "reliability": [[b.low, b.high, b.said, b.right] for b in reliability(scored)],
        "brier": brier(scored),
    }


def groups(scored: Iterable[Scored]) -> tuple[list[Scored], list[Scored], list[Scored]]:
    """Return the visits of patients with one fault, with two, and with none."""
    one_fault: list[Scored] = []
    two: list[Scored] = []
    well: list[Scored] = []
    for one in scored:
        (well if one.patient.cause is None else two if one.patient.second else one_fault).append(
            one
        )
    return one_fault, two, well


def _counts(row: Row) -> Mapping[str, float]:
    return {name: getattr(row, name) for name in Row.__slots__}


def _place(fault: frozenset[str], said: Sequence[Said]) -> int | None:
    return next((i for i, one in enumerate(said, 1) if one.cause in fault), None)


def _told(scored: Iterable[Scored]) -> list[tuple[float, bool]]:
    return [(said.certainty, one.is_right(said)) for one in scored for said in one.visit.said]
