"""What follows from a session: the diagnosis, and the questions that still matter.

The only module between screens and engine; called in threads, never before the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expert.asking import Answered, Questionnaire
from expert.diagnosis import Diagnosis, Inquiry
from expert.inference.diagnose import diagnose
from expert.observation import Observation
from expert.tried import Tried

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge
    from expert.tui.sessions.session import Session

CLEAR = 0.75  # a first finding this certain is shown at once, and questions are only offered


@dataclass(frozen=True)
class Reasoned:
    """The diagnosis of a session, and the questionnaire that may change it."""

    diagnosis: Diagnosis
    questionnaire: Questionnaire

    @property
    def is_clear(self) -> bool:
        """Whether the diagnosis can be shown before anything is asked."""
        first = next(iter(self.diagnosis.findings), None)
        return first is not None and first.certainty >= CLEAR


def known(session: Session) -> tuple[Observation, ...]:
    """Return what was measured, by probes and by trials."""
    trials = Tried(session.trials).observations
    return (*session.measured, *trials)


def questionnaire_of(session: Session, knowledge: Knowledge) -> Questionnaire:
    """Return the questionnaire with the answers of the session that `knowledge` still has."""
    answers = [
        Answered(question, choice)
        for question, choice in session.answers
        if _is_known(question, choice, knowledge)
    ]
    return Questionnaire(knowledge, known(session), answers)


def conclude(
    session: Session,
    knowledge: Knowledge,
    min_certainty: float,
    extra: Sequence[Inquiry] = (),
) -> Reasoned:
    """Return what follows from everything that the session holds."""
    asking = questionnaire_of(session, knowledge)
    diagnosis = diagnose(
        asking.observations,
        knowledge,
        min_certainty=min_certainty,
        inquiries=(*session.inquiries, *extra),
    )
    return Reasoned(diagnosis, asking)


def _is_known(question: str, choice: str | None, knowledge: Knowledge) -> bool:
    known = knowledge.questions.get(question)
    if known is None:
        return False
    return choice is None or any(each.answer == choice for each in known.choices)
