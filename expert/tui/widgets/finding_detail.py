"""All about one finding: why, the evidence with its values, the fixes, the sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from expert.diagnosis import Evidence, Finding, Remedy, TrialOutcome
from expert.language import Language, Text
from expert.report import words
from expert.tui import strings
from expert.tui.phrases import bar, certainty_style, evidence, heading, plain
from expert.tui.titles import Titles
from expert.tui.widgets.fix_card import FixCard
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import Row, row

_BAR = 20


class FindingDetail(VerticalScroll):
    """The right half of the diagnosis."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    async def show(self, parts: list[Widget]) -> None:
        """Replace what is shown."""
        async with self.batch():
            await self.remove_children()
            await self.mount_all(parts)
        self.scroll_home(animate=False)

    def chosen_fix(self) -> FixCard | None:
        """Return the focused fix, else the first one that has code."""
        cards = list(self.query(FixCard))
        focused = next((card for card in cards if card.has_focus), None)
        return focused or next((card for card in cards if card.fix.code), None)


def finding_parts(finding: Finding, titles: Titles, language: Language) -> list[Widget]:
    """Return the widgets that tell everything about `finding`."""
    return list(_parts(finding, titles, language))


def _parts(finding: Finding, titles: Titles, language: Language) -> Iterator[Widget]:
    yield Prose(_head(finding, titles, language), classes="head")
    yield Prose([row(plain(finding.why.get(language)))], classes="why")
    if finding.locations:
        yield _section(strings.PLACES, language)
        places = [row(plain(f"{place.file}:{place.line}"), 2) for place in finding.locations]
        yield Prose(places, classes="body")
    yield from _evidence_parts(finding, titles, language)
    if finding.fixes:
        yield _section(strings.FIXES, language)
    for number, fix in enumerate(finding.fixes, start=1):
        yield FixCard(fix, number, language)
    cited = dict.fromkeys((*finding.sources, *(s for fix in finding.fixes for s in fix.sources)))
    if cited:
        yield _section(strings.SOURCES, language)
        yield Prose([_source(id_, titles) for id_ in cited], classes="body")


def _evidence_parts(finding: Finding, titles: Titles, language: Language) -> Iterator[Widget]:
    speaking_for = [piece for piece in finding.evidence if piece.certainty > 0]
    against = [piece for piece in finding.evidence if piece.certainty <= 0]
    sides: list[tuple[Text, list[Evidence]]] = [
        (strings.EVIDENCE_FOR, speaking_for),
        (strings.EVIDENCE_AGAINST, against),
    ]
    for title, pieces in sides:
        if pieces:
            yield _section(title, language)
        for piece in pieces:
            yield Prose(evidence(piece, titles.conclusions, language), classes="body")


def _head(finding: Finding, titles: Titles, language: Language) -> list[Row]:
    style = certainty_style(finding.certainty)
    rows = [
        row(Content.styled(plain(finding.title.get(language)), "bold")),
        row(
            Content.assemble(
                bar(finding.certainty, _BAR, style),
                f" {finding.certainty:.2f}  ",
                (strings.certainty_word(finding.certainty, language), style),
            )
        ),
    ]
    for template, ids in (
        (strings.BECAUSE_OF, finding.because_of),
        (strings.LEADS_TO, finding.leads_to),
    ):
        if ids:
            named = ", ".join(_name(id_, titles, language) for id_ in ids)
            said = template.get(language).format(title=named, titles=named)
            rows.append(row(Content.styled(plain(said), "italic $foreground 60%"), 2))
    if finding.fixes:  # what to do stands in the first view, however long the explanation
        rows.append(_first_fix(finding.fixes, language))
    return rows


def _first_fix(fixes: Sequence[Remedy], language: Language) -> Row:
    """Return the fix to begin with: the first that was seen to help, else the first."""
    helped = (fix for fix in fixes if fix.tried is not None and fix.tried.improved)
    fix = next(helped, fixes[0])
    sign, said = "→", ""
    if fix.tried is not None:
        sign = "✓" if fix.tried.improved else "✗"
        said = "  " + _outcome(fix.tried).get(language)
    title = plain(fix.title.get(language))
    return row(Content.assemble(f"{sign} ", (title, "bold $success"), (said, "$success")), 2)


def _outcome(outcome: TrialOutcome) -> Text:
    if outcome.cured:
        return words.HEALED
    return words.HELPED if outcome.improved else words.DID_NOT_HELP


def _name(id_: str, titles: Titles, language: Language) -> str:
    text = titles.conclusions.get(id_)
    return text.get(language) if text else id_


def _source(id_: str, titles: Titles) -> Row:
    title, address = titles.sources.get(id_, (id_, None))
    parts: list[str | tuple[str, str]] = ["· ", plain(title)]
    if address:
        parts.append((f"  {plain(address)}", "$foreground 60%"))
    return row(Content.assemble(*parts), 2)


def _section(title: Text, language: Language) -> Static:
    return Static(heading(title.get(language)), classes="section", markup=False)
