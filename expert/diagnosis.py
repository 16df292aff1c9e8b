"""The result: findings with evidence and fixes, symptoms, what is ruled out and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expert.language import Text
from expert.observation import Observation

InquiryKind = Literal["probe", "question", "trial"]
InquiryStatus = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One rule that fired, what it saw, and how much it says."""

    rule: str  # "cause-id/rule-id"
    certainty: float
    reason: Text
    facts: tuple[Observation, ...]  # per-layer values: only those that matched
    because: tuple[str, ...] = ()  # "symptom:ID" or "cause:ID" that the rule rests on
    counts: bool = True  # False: a stronger rule that looks at the same thing counts instead


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the user's code."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What trying a fix on a copy showed.

    `before`, `after`: the `measure` ("loss", "accuracy", "explained-variance", or "validation-loss"
    and so on) at the start and after `steps` steps with the fix; `baseline`: without it.
    """

    id: str
    steps: int
    measure: str
    before: float
    after: float
    baseline: float
    improved: bool
    cured: bool


@dataclass(frozen=True, slots=True)
class Remedy:
    """A fix with this case's numbers filled in.

    `trial`: the trial that tests it; `tried`: what that showed, None when it was not tried.
    """

    id: str
    title: Text
    instructions: Text
    code: str | None
    trial: str | None
    verify: Text
    sources: tuple[str, ...]
    tried: TrialOutcome | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause with the evidence for and against it."""

    cause: str
    certainty: float
    title: Text
    why: Text
    evidence: tuple[Evidence, ...]  # strongest first
    because_of: tuple[str, ...]
    leads_to: tuple[str, ...]
    locations: tuple[Location, ...]
    fixes: tuple[Remedy, ...]
    sources: tuple[str, ...]  # of the cause and of the rules that fired for it

    @property
    def evidence_that_counts(self) -> tuple[Evidence, ...]:
        """The evidence that the certainty is made of, strongest first."""
        return tuple(piece for piece in self.evidence if piece.counts)


@dataclass(frozen=True, slots=True)
class SymptomFinding:
    """Something visibly wrong."""

    id: str
    certainty: float
    title: Text
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A cause that the evidence speaks against."""

    cause: str
    certainty: float
    title: Text
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One attempt to learn facts, and how it went. `cut_short`: time ran out before its end."""

    id: str
    kind: InquiryKind
    status: InquiryStatus
    seconds: float = 0.0
    steps: int = 0
    reason: Text | None = None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was concluded, best first."""

    findings: tuple[Finding, ...]
    suspects: tuple[Finding, ...]
    symptoms: tuple[SymptomFinding, ...]
    ruled_out: tuple[RuledOut, ...]
    unknown: tuple[str, ...]  # causes about which nothing is known either way
    facts: tuple[Observation, ...]
    inquiries: tuple[Inquiry, ...] = ()

    @property
    def is_incomplete(self) -> bool:
        """Whether an inquiry failed or ran out of time: finding nothing then proves little."""
        return any(i.cut_short or i.status == "failed" for i in self.inquiries)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from expert.language import preferred_language
        from expert.report.html_report import to_html_fragment  # only notebooks need it

        return to_html_fragment(self, preferred_language())
