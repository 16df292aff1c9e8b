"""Do sources serve anything, and do numbers say where they come from?"""

from __future__ import annotations

from collections.abc import Iterator

from expert.citations import uncited
from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import AnyCondition, Comparison, leaves
from expert.language import Text
from expert.lint.coded import CODES, Remark


def on_sources(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield remarks on sources that nothing cites and numbers that nobody accounts for."""
    for id_ in uncited(knowledge):
        place = knowledge.place("source", id_)
        message = Text(en=f"nothing cites {id_}", zh=f"没有任何地方引用 {id_}")
        yield Remark(place, CODES["not-cited"], message)
    for name, document in knowledge.conclusions():
        kind, _, id_ = name.partition(":")
        for i, rule in enumerate(document.evidence):
            if rule.threshold or rule.sources or not _compares_with_a_number(rule.when):
                continue
            place = knowledge.place(kind, id_, ("evidence", i))
            name = f"{id_}/{rule.rule}"
            message = Text(
                en=f"{name}: where does its number come from?", zh=f"{name}：其中的数字从何而来？"
            )
            yield Remark(place, CODES["no-threshold"], message)


def _compares_with_a_number(condition: AnyCondition) -> bool:
    bounds = ("above", "below", "at_least", "at_most")
    return any(
        isinstance(leaf, Comparison) and any(_is_number(leaf, bound) for bound in bounds)
        for leaf in leaves(condition)
    )


def _is_number(leaf: Comparison, bound: str) -> bool:
    """Whether the bound is a number that somebody chose: 0 and 1 are seldom that."""
    value = getattr(leaf, bound)
    return isinstance(value, (int, float)) and value not in (0, 1)
