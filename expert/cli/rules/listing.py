"""`torchmedic rules list`: causes, symptoms, facts, or sources with who cites them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from expert.citations import citations, coverage
from expert.knowledge.base import Knowledge
from expert.language import Language
from expert.report.catalogue import causes_page

Row = tuple[str, ...]


def list_documents(options: argparse.Namespace, knowledge: Knowledge, console: Console) -> int:
    """Print the table that was asked for."""
    if options.markdown:
        print(causes_page(knowledge), end="")
        return 0
    if options.facts:
        rows = _fact_rows(knowledge, options.lang)
    elif options.sources:
        rows = _source_rows(knowledge)
    else:
        rows = _conclusion_rows(knowledge, options.lang, symptoms=options.symptoms)
    _print(list(rows), console)
    if options.sources:
        console.print()
        for document, cited, total in coverage(knowledge):
            console.print(Styled(f"{document}: {cited} of {total} sections cited"))
    return 0


def _conclusion_rows(
    knowledge: Knowledge, language: Language, *, symptoms: bool
) -> Iterator[tuple[str, ...]]:
    kind = "symptom" if symptoms else "cause"
    yield "id", "for", "against", "pack", "title"
    for id_, document in (knowledge.symptoms if symptoms else knowledge.causes).items():
        against = sum(rule.certainty < 0 for rule in document.evidence)
        supporting = len(document.evidence) - against
        packs = " + ".join(knowledge.packs_of(kind, id_))
        yield id_, str(supporting), str(against), packs, document.title.text.get(language)


def _fact_rows(knowledge: Knowledge, language: Language) -> Iterator[Row]:
    yield "fact", "type", "per", "from", "meaning"
    for name, fact in knowledge.facts.items():
        yield name, fact.type, fact.per or "", fact.inquiry, fact.meaning.text.get(language)


def _source_rows(knowledge: Knowledge) -> Iterator[Row]:
    citing = citations(knowledge)
    yield "source", "title", "cited by"
    for id_, source in knowledge.sources.items():
        yield id_, source.title, ", ".join(citing.get(id_, ())) or "-"


def _print(rows: Sequence[Row], console: Console) -> None:
    """Print in columns: fitted into a terminal, and in full for a file or another program."""
    if console.is_terminal:
        _print_table(rows, console)
        return
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (c + " " * (w - cell_len(c)) for c, w in zip(row, widths, strict=True))
        console.print(Styled("  ".join(padded).rstrip()))


def _print_table(rows: Sequence[Row], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for i, heading in enumerate(rows[0]):
        table.add_column(heading, overflow="fold", no_wrap=i == 0)
    for row in rows[1:]:
        table.add_row(*map(Styled, row))
    console.print(table)
