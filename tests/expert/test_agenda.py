"""The agenda: probes, questions and trials in one order, by what they change and truly cost."""

from __future__ import annotations

from typing import Any

import pytest

from expert.agenda import POINTLESS, Agenda, Next
from expert.inference.diagnose import diagnose
from expert.inference.settling import worth_trying
from expert.knowledge.loader import Knowledge
from expert.knowledge.schema import Question
from expert.observation import Observation
from expert.tried import Tried
from tests.expert.making import cause, fix, knowledge, observed, rule, text


def is_true(fact: str) -> dict[str, Any]:
    return {"fact": fact, "is": True}


def probe(
    id_: str, *provides: str, steps: float = 0.0, seconds: float = 0.0, idle: bool = False
) -> dict[str, Any]:
    listed = {"id": id_, "provides": list(provides), "after": [], "idle": idle}
    return listed | {"usual": steps, "seconds": seconds}


def question(id_: str, fact: str, **more: Any) -> Question:
    choices = [
        {"answer": "yes", "text": text("yes"), "sets": {fact: True}},
        {"answer": "no", "text": text("no"), "sets": {fact: False}},
    ]
    asked = {"question": id_, "text": text("is it?"), "why": text("to know"), "choices": choices}
    return Question.model_validate(asked | more)


def asking(base: Knowledge, *questions: Question) -> Knowledge:
    return Knowledge(
        symptoms=base.symptoms,
        causes=base.causes,
        questions={each.question: each for each in questions},
    )


TWO = knowledge(cause("a", rule("r", is_true("x"))), cause("b", rule("r", is_true("y"))))

#: A cause that is suspected for one thing and found by another.
HINTED = knowledge(cause("a", rule("h", is_true("hint"), certainty=0.4), rule("r", is_true("x"))))
HINT_AND_MEASURE = [probe("hints", "hint", steps=1), probe("measures", "x", steps=1)]


@pytest.mark.parametrize(("pace", "first"), [(0.001, "trains"), (0.1, "reads")])
def test_seconds_beside_training_steps_count_by_the_pace_that_was_seen(
    pace: float, first: str
) -> None:
    probes = [
        probe("quick", steps=2),
        probe("reads", "x", seconds=1.0),
        probe("trains", "y", steps=50),
    ]
    agenda = Agenda(TWO, probes)
    agenda.learn_probe("quick", [], seconds=2 * pace, steps=2)
    assert agenda.next() == Next("probe", (first,))


def test_what_a_probe_takes_beside_its_steps_is_not_taken_for_their_pace() -> None:
    probes = [
        probe("mixed", steps=2, seconds=1.0),
        probe("reads", "x", seconds=1.0),
        probe("trains", "y", steps=50),
    ]
    agenda = Agenda(TWO, probes)
    agenda.learn_probe("mixed", [], seconds=1.002, steps=2)
    assert agenda.next() == Next("probe", ("trains",))


def test_a_probe_with_nothing_to_look_at_is_left_out_as_pointless() -> None:
    agenda = Agenda(TWO, [probe("idle", "x", steps=1, idle=True), probe("other", "y", steps=9)])
    assert agenda.next() == Next("probe", ("other",))
    agenda.learn_probe("other", observed({"y": False}))
    assert agenda.next() is None
    assert agenda.left_out() == {"idle": POINTLESS}


def test_questions_compete_with_probes_by_a_persons_seconds() -> None:
    base = asking(TWO, question("ask", "x"))
    for steps, kind in ((10, "probe"), (100_000, "question")):
        agenda = Agenda(base, [probe("measures", "y", steps=steps)], asks=True)
        wanted = agenda.next()
        assert wanted is not None
        assert wanted.kind == kind
    silent = Agenda(base, [])
    assert silent.next() is None  # nobody is asked who has not offered to answer


def test_nobody_is_asked_what_can_be_measured_and_no_answer_outranks_a_measurement() -> None:
    base = asking(HINTED, question("ask", "x"), question("again", "x"))
    agenda = Agenda(base, HINT_AND_MEASURE, asks=True)
    agenda.learn_probe("hints", observed({"hint": True}))
    assert agenda.next() == Next("probe", ("measures",))
    agenda.learn_probe("measures", observed({"x": True}))
    assert agenda.next() is None
    failed = Agenda(base, HINT_AND_MEASURE, asks=True)
    failed.learn_probe("hints", observed({"hint": True}))
    failed.learn_probe("measures", [])  # it could not tell
    assert failed.next() == Next("question", ("ask",))
    failed.learn_answer("ask", [])  # nor does the person know
    assert failed.next() == Next("question", ("again",))
    failed.ask_no_more()
    assert failed.next() is None


def test_a_question_is_asked_only_where_it_makes_sense() -> None:
    base = asking(HINTED, question("ask", "x", when=is_true("y")))
    for value, wanted in ((True, Next("question", ("ask",))), (False, None)):
        agenda = Agenda(base, [], asks=True)
        agenda.learn_probe("hints", observed({"hint": True, "y": value}))
        assert agenda.next() == wanted


def suspected(certainty: float, other: float = 0.0) -> Knowledge:
    """Two causes, each with a fix that can be tried, seen with these certainties."""
    return knowledge(
        cause(
            "a", rule("r", is_true("x"), certainty=certainty), fixes=[fix("f", trial="cure-of-a")]
        ),
        cause(
            "b", rule("r", is_true("y"), certainty=other or 0.1), fixes=[fix("f", trial="cure-b")]
        ),
    )


BOTH: list[Observation] = observed({"x": True, "y": True})


@pytest.mark.parametrize(
    ("certainty", "other", "trials"),
    [
        (0.6, 0.0, ("cure-of-a",)),  # the first finding is of middling certainty
        (0.9, 0.0, ()),  # certain
        (0.4, 0.0, ()),  # hardly suspected
        (0.6, 0.55, ("cure-of-a", "cure-b")),  # rivals
        (0.9, 0.6, ()),  # an independent fault that stands far behind a certain one
    ],
)
def test_only_what_is_not_settled_is_worth_a_trial(
    certainty: float, other: float, trials: tuple[str, ...]
) -> None:
    assert worth_trying(diagnose(BOTH, suspected(certainty, other))) == trials


def test_a_consequence_is_no_rival_of_its_cause_and_a_shared_cure_separates_nothing() -> None:
    root = cause("a", rule("r", is_true("x"), certainty=0.85), produces=["b"])
    later = cause("b", rule("r", is_true("y"), certainty=0.7), fixes=[fix("f", trial="t")])
    assert worth_trying(diagnose(BOTH, knowledge(root, later))) == ()
    apart = cause("a", rule("r", is_true("x"), certainty=0.85))
    assert worth_trying(diagnose(BOTH, knowledge(apart, later))) == ("t",)
    alike = cause("a", rule("r", is_true("x"), certainty=0.85), fixes=[fix("f", trial="t")])
    assert worth_trying(diagnose(BOTH, knowledge(alike, later))) == ()


def result(id_: str, *, improved: bool) -> dict[str, Any]:
    told = {"id": id_, "tried": True, "improved": improved, "cured": improved, "measure": "loss"}
    numbers = {"before": 2.0, "after": 0.5 if improved else 2.0, "baseline": 2.0, "gain": 0.8}
    return {**told, **numbers, "steps": 200, "score": 0.0, "goal": "training", "seconds": 1.0}


@pytest.mark.parametrize("improved", [True, False])
def test_a_trial_is_chosen_after_what_is_cheaper_and_made_once(improved: bool) -> None:
    base = suspected(0.6, 0.55)
    probes = [probe("cheap", "x", steps=1), probe("other", "y", steps=1)]
    agenda = Agenda(base, probes, tries=True)
    agenda.learn_probe("cheap", BOTH[:1])
    assert agenda.next() == Next("probe", ("other",))  # a trial is dearer
    agenda.learn_probe("other", BOTH[1:])
    wanted = agenda.next()
    assert wanted is not None
    assert (wanted.kind, set(wanted.ids)) == ("trial", {"cure-of-a", "cure-b"})
    shown = Tried({"cure-of-a": result("cure-of-a", improved=improved)}).observations
    agenda.learn_trials(["cure-of-a", "cure-b"], shown)
    assert agenda.next() is None


def test_no_trial_is_made_unless_trials_are_wanted() -> None:
    agenda = Agenda(suspected(0.6), [probe("cheap", "x", steps=1)])
    agenda.learn_probe("cheap", BOTH[:1])
    assert agenda.next() is None
