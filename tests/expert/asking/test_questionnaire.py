"""The questionnaire: what comes, what does not, and the way back."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expert.asking import Questionnaire
from expert.knowledge.base import Knowledge
from expert.knowledge.loader import load_knowledge
from expert.observation import Observation
from tests.expert.making import loaded

SMALL = """\
source: book
title: A book
---
fact: curve
type: text
values: [flat, falls]
meaning: {en: m, zh: 义}
inquiry: question:curve
---
fact: rate
type: text
values: [high, usual]
meaning: {en: m, zh: 义}
inquiry: question:rate
---
fact: clipped
type: flag
meaning: {en: m, zh: 义}
inquiry: probe:clipping
---
fact: colour
type: text
values: [red, blue]
meaning: {en: m, zh: 义}
inquiry: question:colour
---
question: curve
text: {en: What does the loss do?, zh: 损失怎样？}
why: {en: It tells a lot., zh: 很说明问题。}
choices:
  - {answer: flat, text: {en: flat, zh: 不动}, sets: {curve: flat}}
  - {answer: falls, text: {en: falls, zh: 下降}, sets: {curve: falls}}
  - {answer: unknown, text: {en: no idea, zh: 不清楚}}
---
question: rate
text: {en: How high is the rate?, zh: 学习率多大？}
why: {en: It matters., zh: 很重要。}
when: {fact: curve, is: flat}
choices:
  - {answer: high, text: {en: high, zh: 高}, sets: {rate: high}}
  - {answer: usual, text: {en: usual, zh: 一般}, sets: {rate: usual}}
  - {answer: unknown, text: {en: no idea, zh: 不清楚}}
---
question: clipping
text: {en: Do you clip?, zh: 裁剪吗？}
why: {en: It hides things., zh: 它会掩盖问题。}
choices:
  - {answer: clips, text: {en: yes, zh: 是}, sets: {clipped: true}}
  - {answer: no-clipping, text: {en: no, zh: 否}, sets: {clipped: false}}
  - {answer: unknown, text: {en: no idea, zh: 不清楚}}
---
question: colour
text: {en: Which colour has the machine?, zh: 机器什么颜色？}
why: {en: For fun., zh: 好玩。}
choices:
  - {answer: red, text: {en: red, zh: 红}, sets: {colour: red}}
  - {answer: blue, text: {en: blue, zh: 蓝}, sets: {colour: blue}}
  - {answer: unknown, text: {en: no idea, zh: 不清楚}}
---
cause: too-high
title: {en: Too high, zh: 太高}
explanation: {en: e, zh: 解释}
sources: [book]
evidence:
  - rule: high-and-flat
    when: {all: [{fact: curve, is: flat}, {fact: rate, is: high}]}
    certainty: 0.8
    reason: {en: why, zh: 原因}
  - rule: clipped
    when: {fact: clipped, is: true}
    certainty: 0.3
    reason: {en: why, zh: 原因}
"""


@cache
def small() -> Knowledge:
    return loaded(SMALL)


@cache
def built_in() -> Knowledge:
    return load_knowledge()


def ids(asking: Questionnaire) -> list[str]:
    return [question.question for question in asking.open]


def test_a_question_on_which_others_build_comes_before_them() -> None:
    question = Questionnaire(small()).next()
    assert question is not None
    assert question.question in ("curve", "clipping")
    assert "rate" not in ids(Questionnaire(small()))


def test_an_answer_opens_the_questions_that_it_makes_worth_asking() -> None:
    assert "rate" in ids(Questionnaire(small()).answer("curve", "flat"))
    assert "rate" not in ids(Questionnaire(small()).answer("curve", "falls"))


def test_what_was_measured_is_not_asked() -> None:
    assert "clipping" not in ids(Questionnaire(small(), [Observation("clipped", False)]))


def test_an_answer_never_outranks_a_measurement() -> None:
    measured = Observation("clipped", False, origin="probe:clipping")
    asking = Questionnaire(small(), [measured]).answer("clipping", "clips")
    assert [o for o in asking.observations if o.name == "clipped"] == [measured]


def test_a_question_that_can_change_nothing_does_not_come() -> None:
    asking = Questionnaire(small())
    assert "colour" in ids(asking)
    while question := asking.next():
        assert question.question != "colour"
        asking = asking.answer(question.question, None)


def test_i_dont_know_is_the_same_however_it_is_said() -> None:
    asking = Questionnaire(small())
    assert asking.answer("curve", None) == asking.answer("curve", "unknown")
    assert asking.answer("curve", None).observations == ()


def test_changing_an_answer_drops_what_no_longer_applies_and_nothing_else() -> None:
    asking = Questionnaire(small()).answer("curve", "flat").answer("rate", "high")
    asking = asking.answer("clipping", "clips")
    changed = asking.answer("curve", "falls")
    assert [(a.question, a.choice) for a in changed.answers] == [
        ("curve", "falls"),
        ("clipping", "clips"),
    ]
    assert changed.back() == asking


def test_back_at_the_beginning_stays_there() -> None:
    asking = Questionnaire(small())
    assert asking.back() is asking


def test_why_names_the_causes_that_an_answer_could_change() -> None:
    asking = Questionnaire(small())
    why = asking.why(small().questions["curve"])
    assert "It tells a lot." in why.en
    assert "Too high" in why.en
    assert "太高" in why.zh


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(KeyError):
        Questionnaire(small()).answer("curve", "purple")


def test_answers_carry_their_question_as_origin() -> None:
    (told,) = Questionnaire(small()).answer("curve", "flat").observations
    assert (told.name, told.value, told.origin) == ("curve", "flat", "question:curve")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_answers_it_ends_asks_nothing_twice_and_goes_back_exactly(
    data: st.DataObject,
) -> None:
    asking, asked = Questionnaire(small()), []
    while question := asking.next():
        assert question.question not in asked
        asked.append(question.question)
        choices = [None, *(choice.answer for choice in question.choices)]
        further = asking.answer(question.question, data.draw(st.sampled_from(choices)))
        assert further.back() == asking
        asking = further
    assert len(asked) <= len(small().questions)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_whatever_is_answered_and_changed_answers_apply_and_facts_are_single(
    data: st.DataObject,
) -> None:
    """On the built-in catalogue, in any order: each answer's question is there once."""
    asking = Questionnaire(built_in())
    for _ in range(data.draw(st.integers(1, 8))):
        answered = [a.question for a in asking.answers]
        possible = sorted({*answered, *(q.question for q in asking.open)})
        id_ = data.draw(st.sampled_from(possible))
        choices = [None, *(choice.answer for choice in built_in().questions[id_].choices)]
        changed = asking.answer(id_, data.draw(st.sampled_from(choices)))
        assert changed.back() == asking
        asking = changed
        questions = [a.question for a in asking.answers]
        assert len(questions) == len(set(questions))
        names = [o.name for o in asking.observations]
        assert len(names) == len(set(names))
        assert not set(questions) & {q.question for q in asking.open}


@given(st.data())
@settings(max_examples=2, deadline=None)
def test_the_built_in_catalogue_ends_whatever_the_answers(data: st.DataObject) -> None:
    asking, count = Questionnaire(built_in()), 0
    while question := asking.next():
        count += 1
        choices = [None, *(choice.answer for choice in question.choices)]
        asking = asking.answer(question.question, data.draw(st.sampled_from(choices)))
    assert count == len(asking.answers) <= len(built_in().questions)
