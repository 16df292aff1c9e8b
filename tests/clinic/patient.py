"""What a patient is, and how the wards of the clinic admit theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .data import CaseDict
from .training import accuracy

Score = Callable[[Tensor, Tensor], float]
Build = Callable[[int], CaseDict]


@dataclass(frozen=True, slots=True)
class Patient:
    """A case with a known fault, with two, or with none.

    id: base and fault, "digits-mlp/zero-weights".
    cause: id of the true cause, None for a healthy control.
    build: seed -> the case as its user would return it; equal seeds give equal cases.
    also_accept: causes that are as true as `cause` and may stand first as well.
    second: causes that name the second of two independent faults; both are to be found.
    score: outputs and targets of the validation set -> quality, higher is better.
    well: the id of the healthy control with which the score is compared.
    """

    id: str
    cause: str | None
    build: Build
    also_accept: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    score: Score | None = accuracy
    well: str = ""

    @property
    def base(self) -> str:
        """The healthy case this one was made from, "digits-mlp"."""
        return self.id.partition("/")[0]

    @property
    def faults(self) -> tuple[frozenset[str], ...]:
        """The causes that name each of its faults; empty for the healthy."""
        if self.cause is None:
            return ()
        first = frozenset((self.cause, *self.also_accept))
        return (first, frozenset(self.second)) if self.second else (first,)

    @property
    def true_causes(self) -> frozenset[str]:
        """Every cause that is right to be told."""
        return frozenset().union(*self.faults)


def ward(
    base: str, score: Score | None, *entries: tuple[Build, *tuple[str, ...]]
) -> tuple[Patient, ...]:
    """Return the patients of one base: (build, cause, also accepted...) for each."""
    return tuple(_admit(base, score, build, *causes) for build, *causes in entries)


def _admit(base: str, score: Score | None, build: Build, *causes: str) -> Patient:
    name = f"{base}/{build.__name__.replace('_', '-')}"
    cause, also = (causes[0], tuple(causes[1:])) if causes else (None, ())
    return Patient(name, cause, build, also, (), score, f"{base}/healthy" if cause else name)
