"""Conditions that always or never hold, and rules of one conclusion that say the same or clash."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import AnyCondition, parts
from expert.knowledge.schema import Rule
from expert.lint.coded import CODES, Remark
from expert.lint.intervals import Facts, implies, settled
from expert.lint.walking import conditions

_MOST_COMPARED = 300  # rules of one conclusion: pairs of more would take too long


def on_logic(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield remarks on the logic of conditions, singly and in pairs."""
    for each in conditions(knowledge):
        for code, message in _settled_parts(each.condition, knowledge.facts):
            yield Remark(each.place, CODES[code], f"{each.owner}: {message}")
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        numbered = list(enumerate(document.evidence))[:_MOST_COMPARED]
        for (_, first), (i, second) in combinations(numbered, 2):
            for code, message in _pair(id_, first, second, knowledge.facts):
                yield Remark(knowledge.place(kind, id_, ("evidence", i)), CODES[code], message)


def _settled_parts(condition: AnyCondition, facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the condition or, if nothing is, with the parts of it."""
    if found := settled(condition, facts):
        about, truth = found
        if truth:
            yield "always-true", f"holds whatever {about.fact} is"
        else:
            yield "never-true", f"there is no value of {about.fact} for which it holds"
        return
    for part in parts(condition):
        yield from _settled_parts(part, facts)


def _pair(owner: str, one: Rule, two: Rule, facts: Facts) -> Iterator[tuple[str, str]]:
    forward, backward = implies(one.when, two.when, facts), implies(two.when, one.when, facts)
    if not (forward or backward):
        return
    names = f"{owner}/{one.rule}", f"{owner}/{two.rule}"
    alike = one.certainty * two.certainty > 0
    if forward and backward:
        if alike:
            yield "same-condition", f"{names[1]} has the same condition as {names[0]}"
        else:
            yield "contradicting", f"{names[1]} says the opposite of {names[0]} in the same cases"
        return
    narrow, wide = (one, two) if forward else (two, one)
    yield from _overlap(owner, narrow, wide, alike)


def _overlap(owner: str, narrow: Rule, wide: Rule, alike: bool) -> Iterator[tuple[str, str]]:
    """Yield what follows when `wide` holds wherever `narrow` does."""
    names = f"{owner}/{narrow.rule}", f"{owner}/{wide.rule}"
    if narrow.group and narrow.group == wide.group:
        if abs(narrow.certainty) <= abs(wide.certainty):
            message = f"{names[0]} never counts: {names[1]} holds with it and is as strong"
            yield "never-counts", message
    elif alike:
        yield "counted-twice", f"{names[1]} holds whenever {names[0]} does, and both count"
