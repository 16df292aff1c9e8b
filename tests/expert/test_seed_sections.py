"""Every section of the five documents that the knowledge was begun from is encoded."""

from __future__ import annotations

from pathlib import Path

from expert.citations import citations, coverage
from expert.knowledge.loader import built_in_knowledge
from tests.expert.making import loaded
from tests.expert.test_loader import BASE

SECTIONS = Path(__file__).with_name("seed_sections.txt").read_text(encoding="utf-8").split()
DOCUMENTS = {
    "convergence": 19,
    "orangeduck": 11,
    "convergence-digest": 16,
    "loss-plateau": 25,
    "thirty-seven": 37,
}


def test_the_five_documents_have_108_sections() -> None:
    counted = dict.fromkeys(DOCUMENTS, 0)
    for section in SECTIONS:
        counted[section.partition("/")[0]] += 1
    assert counted == DOCUMENTS
    assert len(set(SECTIONS)) == sum(DOCUMENTS.values()) == 108


def test_the_catalogue_of_sources_has_each_section() -> None:
    known = built_in_knowledge().sources
    assert [section for section in SECTIONS if section not in known] == []


def test_every_section_is_cited() -> None:
    cited = citations(built_in_knowledge())
    assert [section for section in SECTIONS if section not in cited] == []


def test_citations_and_coverage_of_a_small_base() -> None:
    known = loaded(BASE, "source: book/2\ntitle: t\n---\nsource: film\ntitle: t\n")
    assert citations(known) == {"book/1": ("too-high",)}
    assert coverage(known) == [("book", 1, 2)]
