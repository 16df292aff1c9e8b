"""Conclusions as text: no fault found, symptoms, what was ruled out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from expert.diagnosis import Diagnosis, Evidence
from expert.language import Language, Text
from expert.tui import strings
from expert.tui.phrases import ICONS, bar, evidence, heading, plain, verdict
from expert.tui.progress import ProbeState
from expert.tui.wrapping import Row, row

Titles = Mapping[str, Text]
_BAR = 10


def healthy(diagnosis: Diagnosis, probes: Sequence[ProbeState], language: Language) -> list[Row]:
    """Return the calm page for a case without findings: what was looked at, and what was not."""
    done = [probe for probe in probes if probe.status == "done"]
    missing = [probe for probe in probes if probe.status != "done"]
    rows = [row(strings.NOTHING_SAID.get(language))]
    if not probes and diagnosis.facts:  # from a log, a script or answers
        said = row(strings.NO_FAULT_KNOWN.get(language))
        rows = [row(verdict(diagnosis, language)), row(), said, *_counts(diagnosis, language)]
    if done:
        rows = [
            row(verdict(diagnosis, language)),
            row(),
            row(strings.NO_FAULT_SAID.get(language)),
            row(),
            *(_probe(probe, language) for probe in done),
            *_counts(diagnosis, language),
        ]
    if missing:
        rows += [row(), row(heading(strings.NOT_LOOKED_AT.get(language)))]
        rows += [_probe(probe, language) for probe in missing]
    return rows


def symptoms(diagnosis: Diagnosis, titles: Titles, language: Language) -> list[Row]:
    """Return the symptoms with what shows them."""
    if not diagnosis.symptoms:
        return [row(Content.styled(strings.NO_SYMPTOMS.get(language), "$foreground 60%"))]
    return [
        part
        for item in diagnosis.symptoms
        for part in _conclusion(item.title, item.certainty, item.evidence, titles, language)
    ]


def ruled_out(diagnosis: Diagnosis, titles: Titles, language: Language) -> list[Row]:
    """Return the causes that were ruled out and why not, then those nothing is known about."""
    rows = [
        part
        for item in diagnosis.ruled_out
        for part in _conclusion(item.title, item.certainty, item.evidence, titles, language)
    ]
    if not rows:
        nothing = strings.NOTHING_RULED_OUT.get(language)
        rows = [row(Content.styled(nothing, "$foreground 60%")), row()]
    if diagnosis.unknown:
        rows.append(row(heading(strings.NOTHING_KNOWN.get(language))))
    for id_ in diagnosis.unknown:
        name = titles[id_].get(language) if id_ in titles else id_
        rows.append(row(Content.styled(f"· {plain(name)}", "$foreground 60%"), 2))
    return rows


def _counts(diagnosis: Diagnosis, language: Language) -> list[Row]:
    counts = (
        (len(diagnosis.ruled_out), strings.CAUSES_RULED_OUT),
        (len(diagnosis.suspects), strings.CAUSES_SUSPECTED),
    )
    said = [text.get(language).format(n=count) for count, text in counts if count]
    return [row(), *map(row, said)] if said else []


def _conclusion(
    title: Text,
    certainty: float,
    pieces: Sequence[Evidence],
    titles: Titles,
    language: Language,
) -> list[Row]:
    style = "$success" if certainty < 0 else "$warning"
    sign = "−" if certainty < 0 else " "
    lead = f" {sign}{abs(certainty):.2f}  "
    name = (plain(title.get(language)), "bold")
    head = Content.assemble(bar(abs(certainty), _BAR, style), lead, name)
    told = [part for piece in pieces for part in evidence(piece, titles, language)]
    return [row(head, _BAR + len(lead)), *told, row()]


def _probe(probe: ProbeState, language: Language) -> Row:
    sign, style = ICONS[probe.status]
    said = Content.assemble((f"{sign} ", style), plain(probe.title.get(language)))
    if probe.status == "done":
        return row(said, 2)
    why, colon = probe.reason or strings.NOT_REACHED, strings.COLON.get(language)
    return row(Content.assemble(said, (colon + plain(why.get(language)), "$foreground 60%")), 2)
