"""Which parts of the knowledge cite which source, and how much of each document is cited."""

from __future__ import annotations

from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Cause


def citations(knowledge: Knowledge) -> dict[str, tuple[str, ...]]:
    """Return, for every source that is cited, the ids of what cites it."""
    citing: dict[str, dict[str, None]] = {}
    for owner, cited in _all(knowledge):
        citing.setdefault(cited, {})[owner] = None
    return {source: tuple(owners) for source, owners in citing.items()}


def coverage(knowledge: Knowledge) -> list[tuple[str, int, int]]:
    """Return (document, sections cited, sections) for every document given by sections."""
    cited = citations(knowledge)
    sections: dict[str, list[bool]] = {}
    for id_ in knowledge.sources:
        document, slash, _ = id_.partition("/")
        if slash:
            sections.setdefault(document, []).append(id_ in cited)
    return [(document, sum(own), len(own)) for document, own in sections.items()]


def uncited(knowledge: Knowledge) -> list[str]:
    """Return the sources of which neither the whole nor any section is cited."""
    cited = citations(knowledge)
    documents = {id_.partition("/")[0] for id_ in cited}
    return [id_ for id_ in knowledge.sources if id_ not in cited and id_ not in documents]


def _all(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    """Yield (who cites, source) for every citation."""
    for owner, document in knowledge.conclusions():
        cited = [*document.sources, *(s for rule in document.evidence for s in rule.sources)]
        if isinstance(document, Cause):
            cited += [s for fix in document.fixes for s in fix.sources]
        yield from ((owner.partition(":")[2], id_) for id_ in cited)
    for question in knowledge.questions.values():
        yield from ((question.question, id_) for id_ in question.sources)
