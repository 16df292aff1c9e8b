"""What is done next, and why the rest was left out: the chooser's side of an examination.

Probes, questions and trials compete by what they could change per cost. All costs are in training
steps of the case: how long one takes is learnt from the probes that have run, and what takes time
besides, a person's answer above all, is converted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from expert.asking import applies, question_candidates
from expert.diagnosis import InquiryKind
from expert.inference.diagnose import diagnose
from expert.inference.next_inquiry import LEAST, Candidate, Choice, Chooser
from expert.inference.settling import worth_trying
from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Question
from expert.language import Text
from expert.observation import Observation
from expert.trial_inquiries import trial_candidates

CHEAP: Final = 4.0  # training steps; what costs less is left out because it has nothing to tell
SHORT: Final = 0.0015  # seconds: a training step that takes less counts as this
OVERHEAD: Final = 0.02  # seconds that a probe may take besides: first calls are slow
ANSWER: Final = 15.0  # seconds of a person's time for a question of cost 1
ASKED: Final = 0.1  # gain below which a question of cost 1 is not asked
MOST_TRIALS: Final = 4  # at a time
PREFIX: Final = "question:"  # a question may be called as a trial is
POINTLESS = Text(
    "nothing they could show would change the diagnosis",
    "无论结果如何都不会改变诊断",
)
TOO_DEAR = Text(
    "they would hardly change the diagnosis for the training steps they cost (--thorough runs all)",
    "几乎不会改变诊断，不值得为此花费训练步（--thorough 会全部运行）",
)


@dataclass(frozen=True, slots=True)
class Next:
    """What is done next: one probe, one question, or trials that share a baseline."""

    kind: InquiryKind
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a probe costs: training steps, and seconds beside them."""

    steps: float
    seconds: float = 0.0

    def in_steps(self, step: float) -> float:
        """Return all of it in training steps of `step` seconds."""
        return self.steps + self.seconds / step


class Agenda:
    """The inquiries of one examination that have not been made, in an order that is not fixed."""

    def __init__(
        self,
        knowledge: Knowledge,
        probes: Iterable[Mapping[str, Any]],
        *,
        asks: bool = False,
        tries: bool = False,
    ) -> None:
        """Take the probes as the "start" event lists them; may it ask a person, and try fixes?"""
        self._knowledge = knowledge
        self._tries = tries
        self._tried: set[str] = set()
        self._seen: dict[str, Observation] = {}
        self._step = SHORT  # seconds of a training step, by the probe with the most of them
        self._most = 0
        self._costs: dict[str, Cost] = {}
        self._probes: list[Candidate] = []
        for probe in probes:
            idle = probe["idle"]
            cost = Cost(0.0) if idle else Cost(float(probe["usual"]), float(probe["seconds"]))
            self._costs[probe["id"]] = cost
            provides = () if idle else tuple(probe["provides"])
            self._probes.append(Candidate(probe["id"], "probe", 0.0, provides, (*probe["after"],)))
        self._questions = list(knowledge.questions.values()) if asks else []
        self._chooser = Chooser(knowledge, [])
        self._price()

    # ------------------------------------------------------------------------------- choosing
    def next(self) -> Next | None:
        """Return what to do next, None when nothing is worth its cost."""
        if self._tries:
            self._chooser.replace("trial", self._trials())
        choice = self._best()
        if choice is not None and choice.candidate.kind == "question":
            choice = self._best(self._open())
        if choice is None:
            return None
        kind, id_ = choice.candidate.kind, choice.candidate.id
        if kind == "trial":
            return Next(kind, tuple(c.candidate.id for c in self._worth_it() if _is_trial(c)))
        return Next(kind, (id_.removeprefix(PREFIX) if kind == "question" else id_,))

    def left_out(self) -> dict[str, Text]:
        """Return why each of the other probes is left out."""
        pointless = {choice.candidate.id for choice in self._chooser.rank() if choice.gain <= 0}
        return {
            probe.id: POINTLESS
            if probe.id in pointless or self._costs[probe.id].in_steps(self._step) <= CHEAP
            else TOO_DEAR
            for probe in self._probes
        }

    def _best(self, open_: Container[str] | None = None) -> Choice | None:
        """Return the best choice; of the questions only those of these ids."""
        for choice in self._worth_it():
            asks = choice.candidate.kind == "question"
            if not asks or open_ is None or choice.candidate.id in open_:
                return choice
        return None

    def _worth_it(self) -> Iterator[Choice]:
        """Yield what is worth its cost, the best first."""
        for choice in self._chooser.rank():
            id_ = choice.candidate.id.removeprefix(PREFIX)
            if choice.candidate.kind == "question":
                worth = choice.gain >= ASKED * self._knowledge.questions[id_].cost
            else:
                worth = choice.gain > 0 and choice.rate >= LEAST
            if worth:
                yield choice

    def _open(self) -> set[str]:
        """Return the questions that make sense here; those that do not are no candidates now."""
        seen = tuple(self._seen.values())
        truths = {q.question: applies(q, seen, self._knowledge) for q in self._questions}
        left = [q for q in self._questions if truths[q.question] is not False]
        self._chooser.replace("question", self._priced(left))
        return {PREFIX + id_ for id_, truth in truths.items() if truth}

    # ------------------------------------------------------------------------------- learning
    def learn_probe(
        self, probe: str, seen: Iterable[Observation], *, seconds: float = 0.0, steps: int = 0
    ) -> None:
        """Take in what a probe has seen (nothing, if it was skipped or failed), and its pace."""
        self._probes = [candidate for candidate in self._probes if candidate.id != probe]
        self._learn(seen)
        if steps > self._most:
            besides = self._costs[probe].seconds + OVERHEAD
            self._step, self._most = max((seconds - besides) / steps, SHORT), steps
        self._price()

    def learn_answer(self, question: str, told: Iterable[Observation]) -> None:
        """Take in an answer (nothing, for "I don't know"); it never outranks a measurement."""
        self._questions = [other for other in self._questions if other.question != question]
        self._learn(fact for fact in told if fact.name not in self._seen)
        self._price()

    def ask_no_more(self) -> None:
        """Drop all questions: the person has had enough."""
        self._questions = []
        self._price()

    def learn_trials(self, made: Iterable[str], shown: Iterable[Observation]) -> None:
        """Take in what all trials so far have shown; those `made` are not made again."""
        self._tried.update(made)
        self._learn(shown)

    def _learn(self, seen: Iterable[Observation]) -> None:
        facts = list(seen)
        self._seen.update((fact.name, fact) for fact in facts)
        self._chooser.learn("", facts)

    # ---------------------------------------------------------------------------------- costs
    def _price(self) -> None:
        """Give every candidate that is left its cost by the present pace."""
        costs = {id_: cost.in_steps(self._step) for id_, cost in self._costs.items()}
        self._chooser.replace("probe", [replace(p, cost=costs[p.id]) for p in self._probes])
        self._chooser.replace("question", self._priced(self._questions))

    def _priced(self, questions: Sequence[Question]) -> list[Candidate]:
        """Return questions as inquiries: an answer takes a person's seconds."""
        step = self._step
        return [
            replace(candidate, cost=Cost(0.0, ANSWER * candidate.cost).in_steps(step))
            for candidate in question_candidates(questions, PREFIX)
        ]

    def _trials(self) -> Iterator[Candidate]:
        """Yield the trials that would settle something, each with its share of the baselines."""
        diagnosis = diagnose(self._seen.values(), self._knowledge)
        wanted = [id_ for id_ in worth_trying(diagnosis) if id_ not in self._tried][:MOST_TRIALS]
        for trial in trial_candidates(self._knowledge, wanted):
            yield replace(trial, cost=Cost(trial.cost).in_steps(self._step))


def _is_trial(choice: Choice) -> bool:
    return choice.candidate.kind == "trial"
