"""Explanations for a terminal: a tree per rule, down to the measured values."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text as Styled
from rich.tree import Tree

from expert.inference.explain import Change, ConditionTrace, Explanation, RuleTrace
from expert.language import Language, Text
from expert.report.words import measurement

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
FIRED = Text(en="Rules that fired", zh="已触发的规则")
SILENT = Text(en="Rules that did not fire", zh="未触发的规则")
NOTHING = Text(en="nothing is known about it", zh="对此一无所知")
CERTAINTY = Text(en="certainty", zh="确信度")
NOTHING_CHANGES = Text(en="Nothing would change.", zh="不会有任何变化。")
UNKNOWN = Text(en="unknown", zh="未知")


def print_explanation(
    explanation: Explanation, console: Console, language: Language = "en"
) -> None:
    """Print why a conclusion was drawn, or why not."""
    known = explanation.certainty is not None
    certainty = f"{CERTAINTY.get(language)} {explanation.certainty:.2f}" if known else None
    head = f"{explanation.title.get(language)}  ({explanation.id})  "
    tree = Tree(Styled.assemble((head, "bold"), certainty or NOTHING.get(language)))
    for title, wanted in ((FIRED, True), (SILENT, False)):
        rules = [rule for rule in explanation.rules if rule.fired is wanted]
        if rules:
            branch = tree.add(Styled(title.get(language), style="bold"))
            for rule in rules:
                _add_rule(branch, rule, language)
    console.print(tree)


def _add_rule(branch: Tree, rule: RuleTrace, language: Language) -> None:
    style = "dim" if not rule.fired else "green" if rule.certainty > 0 else "yellow"
    label = Styled.assemble((f"{rule.certainty:+.2f} ", style), rule.id.partition("/")[2])
    if rule.reason is not None:
        label.append(f": {rule.reason.get(language)}")
    add_condition(branch.add(label), rule.condition)


def add_condition(branch: Tree, trace: ConditionTrace) -> None:
    """Add a condition to a tree, with the truth of every part and the values it saw."""
    mark, style = _MARKS[trace.truth]
    label = Styled.assemble((f"{mark} ", style), trace.text)
    for seen in trace.saw:
        label.append(f"   {measurement(seen)}", style="dim")
    inner = branch.add(label)
    for part in trace.parts:
        add_condition(inner, part)


def print_changes(changes: tuple[Change, ...], console: Console, language: Language = "en") -> None:
    """Print which certainties would move, from what to what."""
    if not changes:
        console.print(Styled(NOTHING_CHANGES.get(language)))
    for change in changes:
        before, after = (_shown(value, language) for value in (change.before, change.after))
        console.print(
            Styled(f"{before} -> {after}  {change.title.get(language)}  ({change.cause})")
        )


def explanation_data(explanation: Explanation, language: Language = "en") -> dict[str, Any]:
    """Return an explanation as plain data for JSON, with texts in `language`."""
    return {
        "id": explanation.id,
        "title": explanation.title.get(language),
        "certainty": explanation.certainty,
        "rules": [
            {
                "rule": rule.id,
                "fired": rule.fired,
                "certainty": rule.certainty,
                "reason": rule.reason.get(language) if rule.reason else None,
                "condition": condition_data(rule.condition),
            }
            for rule in explanation.rules
        ],
    }


def condition_data(trace: ConditionTrace) -> dict[str, Any]:
    """Return a condition as plain data for JSON."""
    return {
        "text": trace.text,
        "truth": trace.truth,
        "facts": [seen.to_json() for seen in trace.saw],
        "parts": [condition_data(part) for part in trace.parts],
    }


def change_data(change: Change, language: Language = "en") -> dict[str, Any]:
    """Return a change as plain data for JSON."""
    title = change.title.get(language)
    return {
        "cause": change.cause,
        "title": title,
        "before": change.before,
        "after": change.after,
    }


def _shown(certainty: float | None, language: Language) -> str:
    return UNKNOWN.get(language) if certainty is None else f"{certainty:+.2f}"
