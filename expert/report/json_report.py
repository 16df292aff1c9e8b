"""The diagnosis as JSON, schema `torchmedic.diagnosis/1` (DESIGN section 9)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from expert.diagnosis import (
    Diagnosis,
    Evidence,
    Finding,
    Inquiry,
    InquiryKind,
    InquiryStatus,
    Remedy,
    TrialOutcome,
)
from expert.language import Language
from expert.observation import Observation, json_value

SCHEMA: Literal["torchmedic.diagnosis/1"] = "torchmedic.diagnosis/1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FactReport(_Part):
    """A value and where it comes from; NaN and infinities are the strings "nan", "inf", "-inf"."""

    value: Any
    origin: str
    where: list[str]


class NamedFactReport(FactReport):
    """A fact inside a piece of evidence."""

    name: str


class EvidenceReport(_Part):
    """One rule that fired; it `counts` unless a stronger one that looks at the same thing does."""

    rule: str
    certainty: float
    reason: str
    facts: list[NamedFactReport]
    counts: bool = True


class LocationReport(_Part):
    """A line of the user's code."""

    file: str
    line: int


class TrialReport(_Part):
    """What trying a fix on a copy showed, in `measure`; NaN and infinities are strings."""

    id: str
    steps: int
    measure: str
    before: float | str
    after: float | str
    baseline: float | str
    improved: bool
    cured: bool


class CurvesReport(_Part):
    """The losses of one training: [step, loss] pairs, None for a loss that is not finite."""

    train: list[tuple[int, float | None]]
    validation: list[tuple[int, float | None]]


class TriedReport(_Part):
    """One trial: the changes made before it, its losses with it ("treated") and without.

    `same_loss`: the two mean the same, and can be compared in height. `reason`: why it was not
    tried.
    """

    id: str
    base: list[str]
    tried: bool
    improved: bool
    cured: bool
    steps: int
    measure: str
    before: float | str | None
    after: float | str | None
    baseline: float | str | None
    val_before: float | str | None
    val_after: float | str | None
    val_baseline: float | str | None
    same_loss: bool
    curves: dict[str, CurvesReport]
    reason: str | None


class CureReport(_Part):
    """The trials (treatments) that together heal the case, or help most; in order."""

    trials: list[str]
    cured: bool
    tried: list[TriedReport] = []


class FixReport(_Part):
    """What to change, and how to see that it worked."""

    id: str
    title: str
    instructions: str
    code: str | None
    trial: TrialReport | None
    verify: str
    sources: list[str]


class FindingReport(_Part):
    """A cause, its evidence and its fixes."""

    cause: str
    certainty: float
    title: str
    why: str
    evidence: list[EvidenceReport]
    because_of: list[str]
    leads_to: list[str]
    locations: list[LocationReport]
    fixes: list[FixReport]


class SymptomReport(_Part):
    """Something visibly wrong."""

    id: str
    certainty: float
    title: str


class RuledOutReport(_Part):
    """A cause that the evidence speaks against."""

    cause: str
    certainty: float


class InquiryReport(_Part):
    """What was asked or measured, and how that went."""

    id: str
    kind: InquiryKind
    status: InquiryStatus
    seconds: float
    steps: int
    reason: str | None


class DiagnosisReport(_Part):
    """The whole diagnosis, best first."""

    schema_: Literal["torchmedic.diagnosis/1"] = Field(alias="schema")
    findings: list[FindingReport]
    suspects: list[FindingReport]
    symptoms: list[SymptomReport]
    ruled_out: list[RuledOutReport]
    unknown: list[str]
    inquiries: list[InquiryReport]
    facts: dict[str, FactReport]
    cure: CureReport | None = None
    """Only where fixes were tried."""


def diagnosis_report(diagnosis: Diagnosis, language: Language = "en") -> DiagnosisReport:
    """Return the diagnosis as the model behind the JSON, with texts in `language`."""
    return DiagnosisReport(
        schema=SCHEMA,
        findings=[_finding(finding, language) for finding in diagnosis.findings],
        suspects=[_finding(finding, language) for finding in diagnosis.suspects],
        symptoms=[
            SymptomReport(id=s.id, certainty=_rounded(s.certainty), title=s.title.get(language))
            for s in diagnosis.symptoms
        ],
        ruled_out=[
            RuledOutReport(cause=r.cause, certainty=_rounded(r.certainty))
            for r in diagnosis.ruled_out
        ],
        unknown=list(diagnosis.unknown),
        inquiries=[_inquiry(inquiry, language) for inquiry in diagnosis.inquiries],
        facts={
            fact.name: FactReport(
                value=json_value(fact.value), origin=fact.origin, where=list(fact.where)
            )
            for fact in diagnosis.facts
        },
    )


def diagnosis_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `to_json` writes."""
    schema = DiagnosisReport.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def to_json(
    diagnosis: Diagnosis, language: Language = "en", *, cure: CureReport | None = None
) -> str:
    """Return the diagnosis as JSON text, indented, with a final newline."""
    report = diagnosis_report(diagnosis, language).model_copy(update={"cure": cure})
    return report.model_dump_json(by_alias=True, indent=2) + "\n"


def _rounded(certainty: float) -> float:
    return round(certainty, 4)


def _finding(finding: Finding, language: Language) -> FindingReport:
    return FindingReport(
        cause=finding.cause,
        certainty=_rounded(finding.certainty),
        title=finding.title.get(language),
        why=finding.why.get(language),
        evidence=[_evidence(evidence, language) for evidence in finding.evidence],
        because_of=list(finding.because_of),
        leads_to=list(finding.leads_to),
        locations=[LocationReport(file=x.file, line=x.line) for x in finding.locations],
        fixes=[_fix(fix, language) for fix in finding.fixes],
    )


def _evidence(evidence: Evidence, language: Language) -> EvidenceReport:
    return EvidenceReport(
        rule=evidence.rule,
        certainty=_rounded(evidence.certainty),
        reason=evidence.reason.get(language),
        facts=[_named_fact(fact) for fact in evidence.facts],
        counts=evidence.counts,
    )


def _named_fact(fact: Observation) -> NamedFactReport:
    return NamedFactReport(
        name=fact.name, value=json_value(fact.value), origin=fact.origin, where=list(fact.where)
    )


def _fix(fix: Remedy, language: Language) -> FixReport:
    return FixReport(
        id=fix.id,
        title=fix.title.get(language),
        instructions=fix.instructions.get(language),
        code=fix.code,
        trial=_trial(fix.tried),
        verify=fix.verify.get(language),
        sources=list(fix.sources),
    )


def _trial(tried: TrialOutcome | None) -> TrialReport | None:
    if tried is None:
        return None
    return TrialReport(
        id=tried.id,
        steps=tried.steps,
        measure=tried.measure,
        before=json_value(tried.before),
        after=json_value(tried.after),
        baseline=json_value(tried.baseline),
        improved=tried.improved,
        cured=tried.cured,
    )


def _inquiry(inquiry: Inquiry, language: Language) -> InquiryReport:
    return InquiryReport(
        id=inquiry.id,
        kind=inquiry.kind,
        status=inquiry.status,
        seconds=round(inquiry.seconds, 3),
        steps=inquiry.steps,
        reason=inquiry.reason.get(language) if inquiry.reason else None,
    )
