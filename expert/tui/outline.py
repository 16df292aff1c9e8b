"""How a diagnosis is told: a consequence below what brings it about; which rules fired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from expert.diagnosis import Diagnosis, Finding


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding, how deep it stands, and the finding it stands below."""

    finding: Finding
    depth: int
    parent: Finding | None


def outline(findings: Sequence[Finding]) -> list[Entry]:
    """Return `findings` as a tree in reading order; roots and siblings keep their ranking."""
    position = {finding.cause: i for i, finding in enumerate(findings)}
    below: dict[int | None, list[int]] = {}
    for i, finding in enumerate(findings):
        earlier = [position[id_] for id_ in finding.because_of if position.get(id_, i) < i]
        below.setdefault(min(earlier, default=None), []).append(i)

    def walk(parent: int | None, depth: int) -> Iterator[Entry]:
        for i in below.get(parent, ()):
            yield Entry(findings[i], depth, None if parent is None else findings[parent])
            yield from walk(i, depth + 1)

    return list(walk(None, 0))


def fired(diagnosis: Diagnosis) -> dict[str, float]:
    """Return the rules that fired, with what each said."""
    pieces = [
        *(finding.evidence for finding in (*diagnosis.findings, *diagnosis.suspects)),
        *(symptom.evidence for symptom in diagnosis.symptoms),
        *(other.evidence for other in diagnosis.ruled_out),
    ]
    return {piece.rule: piece.certainty for group in pieces for piece in group}
