"""The list of all causes as a Markdown page in both languages, made from the knowledge."""

from __future__ import annotations

import re
from pathlib import Path

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Cause
from expert.report.markdown_report import escaped

_HEAD = (
    "# All causes 所有原因\n\n"
    "Written by `torchmedic rules list --markdown`; {causes} causes with {rules} rules. "
    "`torchmedic rules show ID` shows one whole, `torchmedic explain` what it saw in your case.\n"
)
_TABLE = "| cause | | first fix | 首选修复 |\n| --- | --- | --- | --- |"
_FIELD = re.compile(r"\[\[.*?\]\]|\{[^{}]*\}", re.DOTALL)


def causes_page(knowledge: Knowledge) -> str:
    """Return the page: per file a table of ids, titles and what their first fix is."""
    rules = sum(len(cause.evidence) for cause in knowledge.causes.values())
    lines = [_HEAD.format(causes=len(knowledge.causes), rules=rules)]
    for subject, causes in _by_file(knowledge).items():
        lines += [
            f"## {subject}\n",
            "| cause | | first fix | 首选修复 |",
            "| --- | --- | --- | --- |",
        ]
        lines += [_row(cause) for cause in causes]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _by_file(knowledge: Knowledge) -> dict[str, list[Cause]]:
    grouped: dict[str, list[Cause]] = {}
    for id_, cause in knowledge.causes.items():
        subject = Path(knowledge.place("cause", id_).path).stem.replace("-", " ")
        grouped.setdefault(subject[:1].upper() + subject[1:], []).append(cause)
    return grouped


def _row(cause: Cause) -> str:
    first = next(iter(cause.fixes), None)
    fixes = (first.title.en, first.title.zh) if first else ("", "")
    title = f"**{_cell(cause.title.en)}** {_cell(cause.title.zh)}"
    cells = [f"`{cause.cause}`", title, *map(_cell, fixes)]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return a text for a table; a fact to be filled in has no value here."""
    return escaped(" ".join(_FIELD.sub("…", text).split()))
