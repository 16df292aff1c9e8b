"""The order in which findings are told: a consequence indented below what brings it about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from expert.diagnosis import Finding


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
