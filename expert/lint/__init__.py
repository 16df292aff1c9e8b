"""What is legal in knowledge but probably a mistake; every kind of remark has a stable code.

A warning is a mistake in all likelihood. A note is worth knowing and no fault: a fact that nothing
provides yet, a source that nothing cites.
"""

from __future__ import annotations

from expert.knowledge.base import Knowledge
from expert.lint.causes import on_causes
from expert.lint.coded import CODES, Code, Remark
from expert.lint.facts import Provider, Providers, on_facts
from expert.lint.logic import on_logic
from expert.lint.questions import on_questions
from expert.lint.reachability import on_reachability
from expert.lint.sources import on_sources
from expert.lint.suppressed import without_suppressed
from expert.lint.texts import on_texts
from expert.lint.types import on_givens, on_types

__all__ = ["CODES", "Code", "Provider", "Providers", "Remark", "all_remarks", "lint"]


def lint(knowledge: Knowledge, providers: Providers = None) -> list[Remark]:
    """Return the warnings about `knowledge`."""
    found = all_remarks(knowledge, providers)
    return [remark for remark in found if remark.code.level == "warning"]


def all_remarks(knowledge: Knowledge, providers: Providers = None) -> list[Remark]:
    """Return all warnings and notes, in the order of the files.

    `providers` says which facts each inquiry gives and what it needs; None means that every one
    gives what the facts say it does. A comment `# lint: CODE` at the end of a line silences that
    remark there.
    """
    remarks = [
        *on_causes(knowledge),
        *on_types(knowledge),
        *on_givens(knowledge),
        *on_logic(knowledge),
        *on_texts(knowledge, providers),
        *on_sources(knowledge),
        *on_facts(knowledge, providers),
        *on_questions(knowledge),
        *on_reachability(knowledge, providers),
    ]
    ordered = sorted(remarks, key=lambda r: (r.place.path, r.place.line, r.place.column))
    return without_suppressed(ordered)
