"""The next inquiry: what bears on the ranking, cheapest first, and no more than that."""

from __future__ import annotations

from typing import Any

import pytest

from expert import built_in_knowledge
from expert.inference.next_inquiry import Candidate, Choice, Chooser, choose, rank
from expert.knowledge.loader import Knowledge
from tests.expert.making import cause, fix, knowledge, observed, rule, symptom, text


def is_true(fact: str) -> dict[str, Any]:
    return {"fact": fact, "is": True}


def probe(id_: str, *provides: str, cost: float = 1.0, after: tuple[str, ...] = ()) -> Candidate:
    return Candidate(id_, "probe", cost, provides, after)


def question(id_: str, *provides: str, cost: float = 1.0) -> Candidate:
    return Candidate(id_, "question", cost, provides)


def ids(choices: tuple[Choice, ...]) -> list[str]:
    return [choice.candidate.id for choice in choices]


def gains(choices: tuple[Choice, ...]) -> dict[str, float]:
    return {choice.candidate.id: choice.gain for choice in choices}


ONE = knowledge(cause("a", rule("r", {"all": [is_true("x"), is_true("y")]})))


def test_what_no_rule_asks_for_is_not_measured() -> None:
    assert choose([], ONE, [probe("other", "z")], least=0.0) is None


def test_what_can_no_longer_make_a_rule_fire_is_not_measured() -> None:
    candidates = [probe("py", "y")]
    assert choose(observed({"x": True}), ONE, candidates) is not None
    assert choose(observed({"x": False}), ONE, candidates, least=0.0) is None
    assert choose([], ONE, candidates, least=0.0) is None  # nobody can tell x


def test_of_a_condition_the_cheap_part_is_looked_at_first() -> None:
    dear_first = [probe("dear", "x", cost=100.0), probe("cheap", "y", cost=1.0)]
    assert ids(rank([], ONE, dear_first)) == ["cheap", "dear"]


def test_a_condition_that_holds_in_part_makes_the_rest_of_it_worth_more() -> None:
    alone = [probe("py", "y")]
    before = gains(rank([], ONE, [*alone, probe("px", "x")]))["py"]
    assert gains(rank(observed({"x": True}), ONE, alone))["py"] > before


def test_nobody_is_asked_what_can_be_measured() -> None:
    base = knowledge(cause("a", rule("r", is_true("x"))))
    both = [question("ask", "x", cost=1.0), probe("look", "x", cost=10.0)]
    assert gains(rank([], base, both))["ask"] == 0.0
    only = choose([], base, both[:1])
    assert only is not None
    assert only.candidate.id == "ask"


def test_equal_inquiries_are_compared_by_their_cost_whatever_their_kind() -> None:
    base = knowledge(cause("a", rule("r", is_true("x"))), cause("b", rule("r", is_true("y"))))
    ask, look = question("ask", "x", cost=5.0), probe("look", "y", cost=50.0)
    assert ids(rank([], base, [look, ask])) == ["ask", "look"]
    trial = Candidate("t", "trial", 1.0, ())
    tried = knowledge(cause("a", rule("r", is_true("x")), fixes=[fix("f", trial="t")]))
    assert ids(rank([], tried, [look, ask, trial]))[0] == "t"


def test_evidence_against_counts_only_where_there_is_something_to_lose() -> None:
    base = knowledge(
        cause("a", rule("for", is_true("x")), rule("against", is_true("y"), certainty=-0.8))
    )
    candidates = [probe("py", "y")]
    assert choose([], base, candidates, least=0.0) is None
    choice = choose(observed({"x": True}), base, candidates)
    assert choice is not None
    stake = choice.stakes[0]
    assert (stake.rule, stake.before) == ("a/against", 0.8)
    assert stake.after == pytest.approx(0.0)


def test_a_consequence_of_what_was_found_is_worth_less_than_its_cause() -> None:
    base = knowledge(
        cause("root", rule("r", is_true("x")), produces=["found"]),
        cause("found", rule("r", is_true("f")), produces=["later"]),
        cause("later", rule("r", is_true("y"))),
        cause("stranger", rule("r", is_true("z"))),
    )
    candidates = [probe("later", "y"), probe("stranger", "z"), probe("root", "x")]
    assert ids(rank(observed({"f": True}), base, candidates)) == ["root", "stranger", "later"]
    assert len(set(gains(rank([], base, candidates)).values())) == 1


def test_what_is_asked_for_through_a_symptom_is_worth_measuring() -> None:
    base = knowledge(symptom("s", rule("r", is_true("x"))), cause("a", rule("r", {"symptom": "s"})))
    choice = choose([], base, [probe("px", "x")])
    assert choice is not None
    assert choice.causes == ("a",)
    assert choose(observed({"x": False}), base, [probe("py", "y")], least=0.0) is None


def test_a_condition_on_what_is_unknown_is_open_while_it_can_be_measured() -> None:
    base = knowledge(cause("a", rule("r", {"unknown": "x"})))
    choice = choose([], base, [probe("px", "x")])
    assert choice is not None
    assert (choice.stakes[0].before, choice.stakes[0].after) == (0.8, 0.0)


def test_an_inquiry_that_builds_on_another_comes_after_it_and_pays_for_both() -> None:
    candidates = [probe("second", "x", "y", cost=1.0, after=("first",)), probe("first", cost=9.0)]
    choice = choose([], ONE, candidates)
    assert choice is not None
    assert (choice.candidate.id, choice.wanted_for) == ("first", "second")
    assert choice.rate == pytest.approx(choice.gain / 10.0)
    done = choose([], ONE, candidates[:1])
    assert done is not None
    assert (done.candidate.id, done.wanted_for) == ("second", None)


def test_the_numbers_told_with_a_finding_are_fetched_once_it_is_one() -> None:
    told = fix("f", instructions=text("set it to {n}"))
    base = knowledge(cause("a", rule("r", is_true("x")), fixes=[told]))
    candidates = [probe("pn", "n")]
    assert choose([], base, candidates, least=0.0) is None
    choice = choose(observed({"x": True}), base, candidates)
    assert choice is not None
    assert choice.stakes[0].rule is None


def test_nothing_is_chosen_that_is_not_worth_its_cost() -> None:
    base = knowledge(cause("a", rule("r", is_true("x"))))
    assert choose([], base, [probe("px", "x", cost=1e9)]) is None
    assert choose([], base, [probe("px", "x", cost=1e9)], least=0.0) is not None


def built_in_candidates(base: Knowledge) -> list[Candidate]:
    provided: dict[str, list[str]] = {}
    for fact in base.facts.values():
        provided.setdefault(fact.inquiry, []).append(fact.fact)
    return [
        question(id_, *names) if id_.startswith("question:") else probe(id_, *names, cost=1.0 + i)
        for i, (id_, names) in enumerate(provided.items())
        if not id_.startswith("trial:")
    ]


@pytest.mark.parametrize("cause_id", ["double-softmax", "learning-rate-too-high", "bad-init"])
def test_learning_step_by_step_comes_to_the_same_choices_as_starting_afresh(cause_id: str) -> None:
    base = built_in_knowledge()
    given = observed(
        {
            name: value
            for name, value in base.causes[cause_id].tests[0].given.items()
            if not isinstance(value, (list, dict))
        }
    )
    waiting = {candidate.id: candidate for candidate in built_in_candidates(base)}
    chooser = Chooser(base, waiting.values())
    known = []
    for step, candidate in enumerate(list(waiting.values())):
        seen = [one for one in given if base.facts[one.name].inquiry == candidate.id]
        known += seen
        del waiting[candidate.id]
        chooser.learn(candidate.id, seen)
        if seen or step % 10 == 0:
            assert chooser.rank() == rank(known, base, waiting.values())
    assert known


def test_two_candidates_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        choose([], ONE, [probe("schedule", "x"), question("schedule", "y")])
