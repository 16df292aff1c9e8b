"""WHY: what a question or probe is for, in a given state of the diagnosis, as data."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from expert.diagnosis import InquiryKind
from expert.inference.explain import ConditionTrace, trace_of
from expert.inference.next_inquiry import Candidate, Choice, rank
from expert.inference.reading import Reading
from expert.inference.stakes import Stake
from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Rule
from expert.language import Text
from expert.observation import Observation


@dataclass(frozen=True, slots=True)
class PossibleChange:
    """A cause that an inquiry could move: where it stands, where it would, and by which rule.

    `rule` and `condition` are None when only numbers or places are told with a finding.
    """

    cause: str
    title: Text
    before: float
    after: float
    rule: str | None
    condition: ConditionTrace | None


@dataclass(frozen=True, slots=True)
class Why:
    """What an inquiry is for now.

    `reason`: what a question's author says of it. `gain`: what it is expected to change, 1 is a
    finding gained or lost for certain. Without `changes` nothing it could show would change the
    diagnosis.
    """

    id: str  # "probe:ID" or "question:ID"
    reason: Text | None
    facts: tuple[str, ...]  # what it may tell that is not known
    gain: float
    changes: tuple[PossibleChange, ...]  # most first


def inquiries(
    knowledge: Knowledge,
    observations: Iterable[Observation] = (),
    made: Collection[str] = (),
) -> list[Candidate]:
    """Return the probes and questions of `knowledge` that could still tell something.

    `made`: ids ("probe:ID") of those that were made. All cost the same: what they really cost only
    the case can tell.
    """
    known = {seen.name for seen in observations}
    provided: dict[str, list[str]] = {}
    for fact in knowledge.facts.values():
        if fact.fact not in known and fact.inquiry not in made:
            provided.setdefault(fact.inquiry, []).append(fact.fact)
    for question in knowledge.questions.values():
        id_ = f"question:{question.question}"
        sets = [name for choice in question.choices for name in choice.sets]
        unknown = [name for name in dict.fromkeys(sets) if name not in known]
        if unknown and id_ not in made:
            provided[id_] = unknown
    kinds: dict[str, InquiryKind] = {"probe": "probe", "question": "question"}
    return [
        Candidate(id_, kinds[id_.partition(":")[0]], 1.0, tuple(names))
        for id_, names in provided.items()
        if id_.partition(":")[0] in kinds
    ]


def why(
    observations: Iterable[Observation], knowledge: Knowledge, candidates: Iterable[Candidate]
) -> tuple[Why, ...]:
    """Return what each candidate is for, the one that is worth most per cost first."""
    seen = list(observations)
    readings = {one.name: Reading(one) for one in seen}
    rules = {
        f"{name.partition(':')[2]}/{rule.rule}": rule
        for name, document in knowledge.conclusions()
        for rule in document.evidence
    }

    def change(stake: Stake) -> PossibleChange:
        rule: Rule | None = rules.get(stake.rule) if stake.rule else None
        return PossibleChange(
            stake.cause,
            knowledge.causes[stake.cause].title.text,
            stake.before,
            stake.after,
            stake.rule,
            trace_of(rule.when, readings) if rule else None,
        )

    def one(choice: Choice) -> Why:
        candidate = choice.candidate
        question = knowledge.questions.get(candidate.id.removeprefix("question:"))
        return Why(
            candidate.id,
            question.why.text if question and candidate.kind == "question" else None,
            tuple(name for name in candidate.provides if name not in readings),
            choice.gain,
            tuple(change(stake) for stake in choice.stakes),
        )

    return tuple(one(choice) for choice in rank(seen, knowledge, candidates))
