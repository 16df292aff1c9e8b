"""The diagnosis as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text as Styled

from expert.diagnosis import Diagnosis, Evidence, Finding, Remedy
from expert.language import Language, Text
from expert.report.words import (
    BECAUSE_OF,
    CHECKED,
    FIX,
    FOUND,
    LEADS_TO,
    LOOK_AT,
    NOT_CHECKED,
    RULED_OUT,
    SO_MANY_CAUSES,
    SOURCES,
    SUSPECTED,
    SYMPTOMS,
    TRIED,
    VERIFY,
    colon,
    grouped_not_done,
    joined,
    measurement,
    tried,
    verdict,
)

_BAR = 10


def print_diagnosis(diagnosis: Diagnosis, console: Console, language: Language = "en") -> None:
    """Print the diagnosis: findings with evidence and fixes, then what else was learnt."""
    for part in _parts(diagnosis, language):
        console.print(part)


def _parts(diagnosis: Diagnosis, language: Language) -> Iterator[RenderableType]:
    if diagnosis.symptoms:
        titles = joined([s.title.get(language) for s in diagnosis.symptoms], language)
        yield _line(SYMPTOMS, titles, language)
    if diagnosis.findings:
        yield Styled(f"\n{FOUND.get(language)}", style="bold")
        for number_, finding in enumerate(diagnosis.findings, 1):
            yield _finding(number_, finding, language)
    else:
        style = "bold yellow" if diagnosis.is_incomplete else "bold green"
        yield Styled(f"\n{verdict(diagnosis).get(language)}", style=style)
    if diagnosis.suspects:
        yield Styled(f"\n{SUSPECTED.get(language)}", style="bold")
        for suspect in diagnosis.suspects:
            yield _suspect(suspect, language)
    yield Styled("")
    yield from _what_was_checked(diagnosis, language)


def _what_was_checked(diagnosis: Diagnosis, language: Language) -> Iterator[RenderableType]:
    done = [i for i in diagnosis.inquiries if i.status == "done"]
    if done:
        seconds = sum(inquiry.seconds for inquiry in done)
        names = joined([inquiry.id for inquiry in done], language)
        yield _line(CHECKED, f"{names} ({seconds:.1f} s)", language)
    for told in grouped_not_done(diagnosis, language):
        yield _line(NOT_CHECKED, told, language)
    if diagnosis.ruled_out:
        number = len(diagnosis.ruled_out)
        if diagnosis.findings:  # what is wrong matters then; the others are in the other reports
            yield _line(RULED_OUT, SO_MANY_CAUSES.get(language).format(number), language)
        else:
            ids = joined([ruled.cause for ruled in diagnosis.ruled_out], language)
            yield _line(RULED_OUT, f"{ids} ({number})", language)


def _finding(position: int, finding: Finding, language: Language) -> RenderableType:
    title = Styled(f" {position}. {finding.title.get(language)} ", style="bold")
    body: list[RenderableType] = [_certainty(finding), Styled(finding.why.get(language))]
    body += _links(finding, language)
    if finding.locations:
        lines = ", ".join(f"{place.file}:{place.line}" for place in finding.locations)
        body.append(_line(LOOK_AT, lines, language))
    body.append(Styled(""))
    body += [_evidence(evidence, language) for evidence in finding.evidence_that_counts]
    for fix in finding.fixes:
        body += [Styled(""), *_fix(fix, language)]
    if finding.sources:
        body += [Styled(""), _line(SOURCES, ", ".join(finding.sources), language, style="dim")]
    return Panel(Group(*body), title=title, title_align="left", border_style="red", padding=(0, 1))


def _certainty(finding: Finding) -> Styled:
    filled = round(finding.certainty * _BAR)
    return Styled.assemble(
        ("█" * filled, "red"),
        ("░" * (_BAR - filled), "dim"),
        (f" {finding.certainty:.2f}", "bold"),
        (f"  {finding.cause}", "dim"),
    )


def _links(finding: Finding, language: Language) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if finding.because_of:
        lines.append(_line(BECAUSE_OF, ", ".join(finding.because_of), language, style="italic"))
    if finding.leads_to:
        lines.append(_line(LEADS_TO, ", ".join(finding.leads_to), language, style="italic"))
    return lines


def _evidence(evidence: Evidence, language: Language) -> RenderableType:
    sign, style = ("+", "green") if evidence.certainty > 0 else ("−", "yellow")
    head = Styled.assemble(
        (f"{sign} {abs(evidence.certainty):.2f}  ", style), evidence.reason.get(language)
    )
    measured = [measurement(fact) for fact in evidence.facts]
    lines: list[RenderableType] = [head]
    if measured:
        lines.append(Padding(Styled("  ".join(measured), style="dim"), (0, 0, 0, 8)))
    return Group(*lines)


def _fix(fix: Remedy, language: Language) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Styled.assemble((f"{FIX.get(language)}: ", "bold cyan"), (fix.title.get(language), "bold")),
        Styled(fix.instructions.get(language)),
    ]
    if fix.code:
        code = Syntax(fix.code.rstrip(), "python", background_color="default", word_wrap=True)
        lines.append(Padding(code, (0, 0, 0, 4)))
    lines.append(_line(VERIFY, fix.verify.get(language), language))
    if fix.tried is not None:
        lines.append(_line(TRIED, tried(fix.tried, language), language))
    return lines


def _suspect(finding: Finding, language: Language) -> RenderableType:
    reason = finding.evidence[0].reason.get(language) if finding.evidence else ""
    return Styled.assemble(
        (f"  {finding.certainty:.2f}  ", "dim"),
        finding.title.get(language),
        (f"  [{finding.cause}]  {reason}", "dim"),
    )


def _line(label: Text, content: str, language: Language, style: str = "") -> Styled:
    return Styled.assemble(
        (label.get(language) + colon(language), style or "bold"), (content, style)
    )
