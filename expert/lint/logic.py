"""Conditions that always or never hold, and rules of one conclusion that say the same or clash."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import AnyCondition, parts
from expert.knowledge.schema import Rule
from expert.language import Text
from expert.lint.coded import CODES, Remark, about
from expert.lint.intervals import Facts, implies, settled
from expert.lint.walking import conditions

_MOST_COMPARED = 300  # rules of one conclusion: pairs of more would take too long


def on_logic(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield remarks on the logic of conditions, singly and in pairs."""
    for each in conditions(knowledge):
        for code, message in _settled_parts(each.condition, knowledge.facts):
            yield Remark(each.place, CODES[code], about(each.owner, message))
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        numbered = list(enumerate(document.evidence))[:_MOST_COMPARED]
        for (_, first), (i, second) in combinations(numbered, 2):
            for code, message in _pair(id_, first, second, knowledge.facts):
                yield Remark(knowledge.place(kind, id_, ("evidence", i)), CODES[code], message)


def _settled_parts(condition: AnyCondition, facts: Facts) -> Iterator[tuple[str, Text]]:
    """Yield what is wrong with the condition or, if nothing is, with the parts of it."""
    if found := settled(condition, facts):
        variable, truth = found
        name = variable.fact
        if truth:
            yield (
                "always-true",
                Text(en=f"holds whatever {name} is", zh=f"无论 {name} 取何值都成立"),
            )
        else:
            message = Text(
                en=f"there is no value of {name} for which it holds",
                zh=f"{name} 取任何值都不成立",
            )
            yield "never-true", message
        return
    for part in parts(condition):
        yield from _settled_parts(part, facts)


def _pair(owner: str, one: Rule, two: Rule, facts: Facts) -> Iterator[tuple[str, Text]]:
    forward, backward = implies(one.when, two.when, facts), implies(two.when, one.when, facts)
    if not (forward or backward):
        return
    names = f"{owner}/{one.rule}", f"{owner}/{two.rule}"
    alike = one.certainty * two.certainty > 0
    if forward and backward:
        if alike:
            message = Text(
                en=f"{names[1]} has the same condition as {names[0]}",
                zh=f"{names[1]} 的条件与 {names[0]} 相同",
            )
            yield "same-condition", message
        else:
            message = Text(
                en=f"{names[1]} says the opposite of {names[0]} in the same cases",
                zh=f"{names[1]} 在相同情况下与 {names[0]} 的判断相反",
            )
            yield "contradicting", message
        return
    narrow, wide = (one, two) if forward else (two, one)
    yield from _overlap(owner, narrow, wide, alike)


def _overlap(owner: str, narrow: Rule, wide: Rule, alike: bool) -> Iterator[tuple[str, Text]]:
    """Yield what follows when `wide` holds wherever `narrow` does."""
    names = f"{owner}/{narrow.rule}", f"{owner}/{wide.rule}"
    if narrow.group and narrow.group == wide.group:
        if abs(narrow.certainty) <= abs(wide.certainty):
            message = Text(
                en=f"{names[0]} never counts: {names[1]} holds with it and is as strong",
                zh=f"{names[0]} 不起作用：{names[1]} 与它同时成立且同样强",
            )
            yield "never-counts", message
    elif alike:
        message = Text(
            en=f"{names[1]} holds whenever {names[0]} does, and both count",
            zh=f"{names[0]} 成立时 {names[1]} 必然成立，两者都被计入",
        )
        yield "counted-twice", message
