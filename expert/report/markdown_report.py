"""The diagnosis as Markdown, for an issue or a pull request (GitHub's dialect)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from expert.diagnosis import Diagnosis, Finding, Remedy
from expert.language import Language, Text
from expert.report.words import (
    BECAUSE_OF,
    CERTAINTY,
    CHECKED,
    EVIDENCE,
    FIX,
    FOUND,
    LEADS_TO,
    LOOK_AT,
    NOT_CHECKED,
    RULED_OUT,
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

TITLE = Text(en="torchmedic: diagnosis", zh="torchmedic：诊断")

_CODE_SPAN = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_{}\[\]<>#|~$@])")
_FENCES = re.compile(r"`{3,}")


def to_markdown(diagnosis: Diagnosis, language: Language = "en") -> str:
    """Return the diagnosis as Markdown; names that look like markup are shown as they are."""
    return "\n".join(_lines(diagnosis, language)).rstrip() + "\n"


def _lines(diagnosis: Diagnosis, language: Language) -> Iterator[str]:
    yield f"# {TITLE.get(language)}\n"
    if diagnosis.symptoms:
        titles = joined([escaped(s.title.get(language)) for s in diagnosis.symptoms], language)
        yield f"{_label(SYMPTOMS, language)}{titles}\n"
    if diagnosis.findings:
        yield f"## {FOUND.get(language)}\n"
        for position, finding in enumerate(diagnosis.findings, 1):
            yield from _finding(position, finding, language)
    else:
        yield f"**{verdict(diagnosis).get(language)}**\n"
    if diagnosis.suspects:
        yield f"## {SUSPECTED.get(language)}\n"
        for suspect in diagnosis.suspects:
            reason = suspect.evidence[0].reason.get(language) if suspect.evidence else ""
            title = escaped(suspect.title.get(language))
            yield f"- {title} (`{suspect.cause}`, {suspect.certainty:.2f}) {escaped(reason)}"
        yield ""
    yield from _what_was_checked(diagnosis, language)


def _finding(position: int, finding: Finding, language: Language) -> Iterator[str]:
    title = escaped(finding.title.get(language))
    certainty = f"{CERTAINTY.get(language)} {finding.certainty:.2f}"
    yield f"### {position}. {title} (`{finding.cause}`, {certainty})\n"
    yield escaped(finding.why.get(language)) + "\n"
    for label, ids in ((BECAUSE_OF, finding.because_of), (LEADS_TO, finding.leads_to)):
        if ids:
            listed = joined([f"`{id_}`" for id_ in ids], language)
            yield f"{label.get(language)}{colon(language)}{listed}\n"
    if finding.locations:
        places = joined([code(f"{x.file}:{x.line}") for x in finding.locations], language)
        yield f"{_label(LOOK_AT, language)}{places}\n"
    yield f"**{EVIDENCE.get(language)}**\n"
    for evidence in finding.evidence_that_counts:
        yield f"- **{evidence.certainty:+.2f}** {escaped(evidence.reason.get(language))}"
        yield from (f"  - {code(measurement(fact))}" for fact in evidence.facts)
    yield ""
    for fix in finding.fixes:
        yield from _fix(fix, language)
    if finding.sources:
        yield f"{SOURCES.get(language)}{colon(language)}{', '.join(finding.sources)}\n"


def _fix(fix: Remedy, language: Language) -> Iterator[str]:
    title = escaped(fix.title.get(language))
    yield f"{_label(FIX, language)}{title}\n"
    yield escaped(fix.instructions.get(language)) + "\n"
    if fix.code:
        fence = "`" * (1 + max([2, *map(len, _FENCES.findall(fix.code))]))
        yield f"{fence}python\n{fix.code.rstrip()}\n{fence}\n"
    yield f"{VERIFY.get(language)}{colon(language)}{escaped(fix.verify.get(language))}\n"
    if fix.tried is not None:
        yield f"{TRIED.get(language)}{colon(language)}{escaped(tried(fix.tried, language))}\n"


def _what_was_checked(diagnosis: Diagnosis, language: Language) -> Iterator[str]:
    parts = [
        (CHECKED, [code(i.id) for i in diagnosis.inquiries if i.status == "done"]),
        (NOT_CHECKED, [escaped(told) for told in grouped_not_done(diagnosis, language)]),
        (RULED_OUT, [code(ruled.cause) for ruled in diagnosis.ruled_out]),
    ]
    for label, items in parts:
        if items:
            yield f"<details><summary>{label.get(language)} ({len(items)})</summary>\n"
            yield f"{joined(items, language)}\n\n</details>\n"


def _label(label: Text, language: Language) -> str:
    return f"**{label.get(language)}**{colon(language)}"


def escaped(text: str) -> str:
    """Return `text` with Markdown's special characters escaped outside `code spans`."""
    parts = _CODE_SPAN.split(text.replace("\n", " "))
    return "".join(
        part if _CODE_SPAN.fullmatch(part) else _SPECIAL.sub(r"\\\1", part).replace("`", r"\`")
        for part in parts
    )


def code(text: str) -> str:
    """Return `text` as a code span, whatever backticks it holds."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    line = text.replace("\n", " ")
    return f"{ticks}{pad}{line}{pad}{ticks}"
