"""WHY on a terminal: what an inquiry could change, as a tree down to the measured values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text as Styled
from rich.tree import Tree

from expert.inference.why import PossibleChange, Why
from expert.language import Language, Text
from expert.report.explanation_report import add_condition, condition_data

COULD_CHANGE = Text(en="It could change", zh="它可能改变")
TELLS_WITH = Text(en="it gives the numbers and places told with it", zh="提供其中所写的数值与位置")
POINTLESS = Text(
    en="Nothing it could show would change the diagnosis.", zh="无论结果如何都不会改变诊断。"
)
NEXT = Text(en="Worth knowing next", zh="接下来值得了解")
_RULES: Final = 6  # shown with their conditions
_INQUIRIES: Final = 8  # listed
_CAUSES: Final = 3  # named with each


def print_why(why: Why, console: Console, language: Language = "en") -> None:
    """Print what an inquiry is for now: the causes it could move, and by which rules."""
    tree = Tree(Styled(why.id, style="bold"))
    if why.reason is not None:
        tree.add(Styled(why.reason.get(language)))
    if not why.changes:
        tree.add(Styled(POINTLESS.get(language)))
    else:
        branch = tree.add(Styled(COULD_CHANGE.get(language), style="bold"))
        for change in why.changes[:_RULES]:
            _add_change(branch, change, language)
    console.print(tree)


def _add_change(branch: Tree, change: PossibleChange, language: Language) -> None:
    label = Styled(f"{change.title.get(language)} ({change.cause})  ")
    if change.condition is None:
        label.append(TELLS_WITH.get(language), style="dim")
        branch.add(label)
        return
    label.append(f"{change.before:+.2f} → {change.after:+.2f}", style="bold")
    label.append(f"  {(change.rule or '').partition('/')[2]}", style="dim")
    add_condition(branch.add(label), change.condition)


def print_next(answers: Sequence[Why], console: Console, language: Language = "en") -> None:
    """Print the inquiries that could change most, with the causes that they bear on."""
    worth = [why for why in answers if why.gain > 0][:_INQUIRIES]
    tree = Tree(Styled(NEXT.get(language), style="bold"))
    for why in worth:
        causes = list(dict.fromkeys(change.cause for change in why.changes))
        more = "" if len(causes) <= _CAUSES else f" +{len(causes) - _CAUSES}"
        tree.add(Styled.assemble(why.id, (f"  {', '.join(causes[:_CAUSES])}{more}", "dim")))
    if not worth:
        tree.add(Styled(POINTLESS.get(language)))
    console.print(tree)


def why_data(why: Why, language: Language = "en") -> dict[str, Any]:
    """Return an answer to WHY as plain data for JSON, with texts in `language`."""
    return {
        "id": why.id,
        "reason": why.reason.get(language) if why.reason else None,
        "facts": list(why.facts),
        "gain": why.gain,
        "changes": [
            {
                "cause": change.cause,
                "title": change.title.get(language),
                "before": change.before,
                "after": change.after,
                "rule": change.rule,
                "condition": condition_data(change.condition) if change.condition else None,
            }
            for change in why.changes
        ],
    }
