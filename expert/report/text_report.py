"""The diagnosis as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text as Styled

from expert.diagnosis import Diagnosis, Evidence, Finding, Inquiry, Remedy, TrialOutcome
from expert.language import Language, Text
from expert.observation import Observation
from expert.template import number

_BAR = 10
_VALUES_SHOWN = 4

HEALTHY = Text(en="No fault found.", zh="没有发现故障。")
INCOMPLETE = Text(
    en="No fault found in what was checked; some checks ran out of time or failed (see below).",
    zh="在已完成的检查中没有发现故障；有些检查因时间不足或出错而未完成（见下）。",
)
FOUND = Text(en="What is wrong", zh="问题所在")
SUSPECTED = Text(en="Suspected, not proven", zh="怀疑但未证实")
CHECKED = Text(en="Checked", zh="已检查")
NOT_CHECKED = Text(en="Not checked", zh="未检查")
RULED_OUT = Text(en="Ruled out", zh="已排除")
SYMPTOMS = Text(en="What is visible", zh="可见的现象")
FIX = Text(en="Fix", zh="修复")
VERIFY = Text(en="It worked when", zh="如何确认有效")
BECAUSE_OF = Text(en="follows from", zh="由此引起：")
LEADS_TO = Text(en="brings about", zh="会导致")
LOOK_AT = Text(en="Look at", zh="查看")
TRIED = Text(en="Tried on a copy", zh="已在副本上试过")
HEALED = Text(en="It heals.", zh="有效，已治愈。")
HELPED = Text(en="It helps.", zh="有帮助。")
DID_NOT_HELP = Text(en="It did not help.", zh="没有帮助。")
MEASURES = {
    "loss": Text(en="loss", zh="损失"),
    "accuracy": Text(en="accuracy", zh="准确率"),
    "explained-variance": Text(en="explained variance", zh="解释方差"),
}
SOURCES = Text(en="Sources", zh="出处")


def print_diagnosis(diagnosis: Diagnosis, console: Console, language: Language = "en") -> None:
    """Print the diagnosis: findings with evidence and fixes, then what else was learnt."""
    for part in _parts(diagnosis, language):
        console.print(part)


def _parts(diagnosis: Diagnosis, language: Language) -> Iterator[RenderableType]:
    if diagnosis.symptoms:
        titles = _joined([s.title.get(language) for s in diagnosis.symptoms], language)
        yield _line(SYMPTOMS, titles, language)
    if diagnosis.findings:
        yield Styled(f"\n{FOUND.get(language)}", style="bold")
        for number_, finding in enumerate(diagnosis.findings, 1):
            yield _finding(number_, finding, language)
    else:
        verdict, style = (INCOMPLETE, "yellow") if diagnosis.is_incomplete else (HEALTHY, "green")
        yield Styled(f"\n{verdict.get(language)}", style=f"bold {style}")
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
        names = _joined([inquiry.id for inquiry in done], language)
        yield _line(CHECKED, f"{names} ({seconds:.1f} s)", language)
    for inquiry in diagnosis.inquiries:
        if inquiry.status != "done" or inquiry.cut_short:
            yield _line(NOT_CHECKED, _not_done(inquiry, language), language)
    if diagnosis.ruled_out:
        ids = _joined([ruled.cause for ruled in diagnosis.ruled_out], language)
        yield _line(RULED_OUT, f"{ids} ({len(diagnosis.ruled_out)})", language)


def _not_done(inquiry: Inquiry, language: Language) -> str:
    reason = inquiry.reason.get(language) if inquiry.reason else ""
    return f"{inquiry.id}: {reason}" if reason else inquiry.id


def _finding(position: int, finding: Finding, language: Language) -> RenderableType:
    title = Styled(f" {position}. {finding.title.get(language)} ", style="bold")
    body: list[RenderableType] = [_certainty(finding), Styled(finding.why.get(language))]
    body += _links(finding, language)
    if finding.locations:
        lines = ", ".join(f"{place.file}:{place.line}" for place in finding.locations)
        body.append(_line(LOOK_AT, lines, language))
    body.append(Styled(""))
    body += [_evidence(evidence, language) for evidence in finding.evidence]
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


def measurement(fact: Observation) -> str:
    """Return "name = value" of a fact, shortened when it has many values."""
    unit = f" {fact.unit}" if fact.unit else ""
    if not isinstance(fact.value, tuple):
        return f"{fact.name} = {_value(fact.value)}{unit}"
    pairs = [f"{w}: {_value(v)}" for w, v in zip(fact.where, fact.value, strict=True)]
    shown = ", ".join(pairs[:_VALUES_SHOWN])
    rest = len(pairs) - _VALUES_SHOWN
    return f"{fact.name} = {{{shown}{f', ... (+{rest})' if rest > 0 else ''}}}{unit}"


def _value(value: bool | int | float | str) -> str:
    return str(value) if isinstance(value, (bool, str)) else number(value)


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


def tried(outcome: TrialOutcome, language: Language) -> str:
    """Return what a trial showed as a sentence."""
    helped = HEALED if outcome.cured else HELPED
    verdict = helped if outcome.improved else DID_NOT_HELP
    before, after, without = (
        number(value) for value in (outcome.before, outcome.after, outcome.baseline)
    )
    measure = MEASURES[outcome.measure].get(language)
    if language == "zh":
        return (
            f"{outcome.steps} 步后{measure} {before} → {after}；不做修改为 {without}。{verdict.zh}"
        )
    numbers = f"after {outcome.steps} steps {measure} {before} -> {after}; without: {without}."
    return f"{numbers} {verdict.en}"


def _suspect(finding: Finding, language: Language) -> RenderableType:
    reason = finding.evidence[0].reason.get(language) if finding.evidence else ""
    return Styled.assemble(
        (f"  {finding.certainty:.2f}  ", "dim"),
        finding.title.get(language),
        (f"  [{finding.cause}]  {reason}", "dim"),
    )


def _line(label: Text, content: str, language: Language, style: str = "") -> Styled:
    colon = "：" if language == "zh" else ": "
    return Styled.assemble(
        (label.get(language).rstrip("：") + colon, style or "bold"), (content, style)
    )


def _joined(parts: list[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(parts)
