"""The questionnaire: which question comes next, what the answers say, and the way back.

    asking = Questionnaire(knowledge, measured)
    while question := asking.next():
        asking = asking.answer(question.question, choice_or_none)
    diagnosis = diagnose(asking.observations, knowledge)

Nobody is asked what is known: questions whose facts were measured or answered do not come, nor do
those whose condition does not hold, nor those whose answer could change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from expert.diagnosis import Inquiry
from expert.inference.diagnose import program_for
from expert.inference.next_inquiry import Candidate, Choice, Chooser
from expert.inference.premise import compile_premise
from expert.inference.reading import Reading
from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import conclusions_in, facts_in
from expert.knowledge.schema import Answer, Question
from expert.language import Text
from expert.observation import Observation
from expert.template import fill

_NAMED = 4  # causes that an explanation names


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and the choice made; None is "I don't know"."""

    question: str
    choice: str | None

    @property
    def inquiry(self) -> Inquiry:
        """The question as an inquiry that was made."""
        return Inquiry(self.question, "question", "done" if self.choice else "skipped")


@dataclass(frozen=True)
class Questionnaire:
    """Questions, and the answers so far. Immutable: answering returns a new one.

    `known`: what was measured or is known otherwise; an answer never outranks it.
    """

    knowledge: Knowledge
    known: tuple[Observation, ...] = ()
    answers: tuple[Answered, ...] = ()
    _before: Questionnaire | None = field(default=None, compare=False, repr=False)

    def __init__(
        self,
        knowledge: Knowledge,
        known: Iterable[Observation] = (),
        answers: Iterable[Answered] = (),
        _before: Questionnaire | None = None,
    ) -> None:
        object.__setattr__(self, "knowledge", knowledge)
        object.__setattr__(self, "known", tuple(known))
        object.__setattr__(self, "answers", tuple(answers))
        object.__setattr__(self, "_before", _before)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """What is known: `known`, then what the answers tell."""
        seen = {observation.name for observation in self.known}
        told: list[Observation] = []
        for answered in self.answers:
            for observation in facts_told(self._question(answered.question), answered.choice):
                if observation.name not in seen:
                    seen.add(observation.name)
                    told.append(observation)
        return (*self.known, *told)

    @cached_property
    def open(self) -> tuple[Question, ...]:
        """The questions that apply and are not yet answered, in the order of the catalogue."""
        return tuple(question for question, truth in self._left if truth)

    @cached_property
    def _left(self) -> tuple[tuple[Question, bool | None], ...]:
        """The questions that apply, or may still come to apply (None), unanswered."""
        done = {answered.question for answered in self.answers}
        left = [q for id_, q in self.knowledge.questions.items() if id_ not in done]
        truths = [(q, applies(q, self.observations, self.knowledge)) for q in left]
        return tuple((question, truth) for question, truth in truths if truth is not False)

    def next(self) -> Question | None:
        """Return the question whose answer is worth most now; None when none is worth asking."""
        open_ = {question.question: question for question in self.open}
        worth = (c for c in self._ranked if c.gain > 0 and c.candidate.id in open_)
        best = next(worth, None)
        return open_[best.candidate.id] if best else None

    @cached_property
    def _ranked(self) -> tuple[Choice, ...]:
        """The questions left with what they could change, the best per cost first."""
        candidates = list(question_candidates([question for question, _ in self._left]))
        return Chooser(self.knowledge, candidates, self.observations).rank()

    def answer(self, question: str, choice: str | None) -> Questionnaire:
        """Return the questionnaire with this answer; None, or a choice without facts: don't know.

        A question that was answered before gets the new answer in its old place, and answers to
        questions that no longer apply are dropped. Raises KeyError for an unknown id.
        """
        known_choice = _choice(self._question(question), choice)
        new = Answered(question, known_choice.answer if known_choice else None)
        asked = [answered.question for answered in self.answers]
        if question in asked:
            changed = [new if a.question == question else a for a in self.answers]
            kept = self._still_applying(changed, asked.index(question) + 1)
        else:
            kept = [*self.answers, new]
        return Questionnaire(self.knowledge, self.known, kept, _before=self)

    def back(self) -> Questionnaire:
        """Return the questionnaire as it was before the last answer; itself when there is none."""
        return self._before or self

    def why(self, question: Question) -> Text:
        """Return why `question` is asked, and which causes its answer could change here."""
        causes = self.bears_on(question)[:_NAMED]
        if not causes:
            return question.why.text
        facts = {observation.name: observation for observation in self.observations}
        titles = [self.knowledge.causes[id_].title.text for id_ in causes]
        english = "; ".join(fill(title.en, facts) for title in titles)
        chinese = "；".join(fill(title.zh, facts) for title in titles)
        return Text(
            en=f"{question.why.en} The answer bears on: {english}.",
            zh=f"{question.why.zh}它关系到：{chinese}。",
        )

    def bears_on(self, question: Question) -> tuple[str, ...]:
        """Return the causes that an answer to `question` could change here, most changed first."""
        chosen = (c for c in self._ranked if c.candidate.id == question.question)
        return next((choice.causes for choice in chosen), ())

    def _question(self, id_: str) -> Question:
        return self.knowledge.questions[id_]

    def _still_applying(self, answers: Sequence[Answered], first: int) -> list[Answered]:
        """Return `answers` without those from `first` on whose question no longer applies."""
        kept = list(answers[:first])
        for answered in answers[first:]:
            so_far = Questionnaire(self.knowledge, self.known, kept).observations
            if applies(self._question(answered.question), so_far, self.knowledge):
                kept.append(answered)
        return kept


def applies(
    question: Question, observations: Sequence[Observation], knowledge: Knowledge
) -> bool | None:
    """Return whether `question` makes sense here and asks for something unknown.

    None: its condition is undecided, and other answers may yet make it hold.
    """
    if facts_of(question) <= {observation.name for observation in observations}:
        return False
    if question.when is None:
        return True
    if any(True for _ in conclusions_in(question.when)):
        readings = program_for(knowledge).run(observations).readings
    else:
        readings = {observation.name: Reading(observation) for observation in observations}
    return compile_premise(question.when).evaluate(readings).truth


def question_candidates(questions: Sequence[Question], prefix: str = "") -> Iterator[Candidate]:
    """Yield questions as inquiries; one whose condition reads another's facts comes after.

    `prefix` comes before their ids, which may be those of other inquiries, too.
    """
    told = {question.question: facts_of(question) for question in questions}
    for question in questions:
        id_ = question.question
        read = set(facts_in(question.when)) if question.when else set()
        after = tuple(prefix + other for other in told if other != id_ and read & told[other])
        provides = tuple(sorted(told[id_]))
        yield Candidate(prefix + id_, "question", question.cost, provides, after)


def facts_told(question: Question, choice: str | None) -> list[Observation]:
    """Return the facts that an answer to `question` tells; none for "I don't know"."""
    chosen = _choice(question, choice)
    if chosen is None:
        return []
    origin = f"question:{question.question}"
    return [Observation(name, value, origin=origin) for name, value in chosen.sets.items()]


def facts_of(question: Question) -> set[str]:
    """Return the facts that the answers to `question` may set."""
    return {name for choice in question.choices for name in choice.sets}


def _choice(question: Question, id_: str | None) -> Answer | None:
    """Return the choice, None for "I don't know" however it was said."""
    if id_ is None:
        return None
    choice = {each.answer: each for each in question.choices}[id_]
    return choice if choice.sets else None
