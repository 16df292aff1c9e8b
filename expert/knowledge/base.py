"""The knowledge base: everything the engine knows, and where each part was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from expert.knowledge.reader import Place
from expert.knowledge.schema import Cause, FactType, Pack, Question, Source, Symptom

Role = Literal["defines", "overrides", "extends"]


class Written(Protocol):
    """A document as it was written: plain data, and the place of each part."""

    @property
    def data(self) -> Any:
        """The document as plain data."""

    def place(self, loc: Sequence[int | str] = (), *, key: bool = False) -> Place:
        """Return the place of the value (or the key) at `loc`."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one pack did to one document."""

    pack: str
    role: Role
    document: Written


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Everything the engine knows, by id, in the order of the files."""

    packs: tuple[Pack, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    facts: Mapping[str, FactType] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    symptoms: Mapping[str, Symptom] = field(default_factory=dict)
    causes: Mapping[str, Cause] = field(default_factory=dict)
    #: Where each document was read, by (kind, id).
    origins: Mapping[tuple[str, str], Written] = field(default_factory=dict)
    #: Which packs defined, overrode and extended it, in that order, by (kind, id).
    history: Mapping[tuple[str, str], tuple[Contribution, ...]] = field(default_factory=dict)
    #: Causes that a pack switched off, with the name of that pack.
    disabled: Mapping[str, str] = field(default_factory=dict)

    def conclusions(self) -> Iterator[tuple[str, Symptom | Cause]]:
        """Yield ("symptom:ID" or "cause:ID", document) for everything rules can conclude."""
        for symptom in self.symptoms.values():
            yield f"symptom:{symptom.id}", symptom
        for cause in self.causes.values():
            yield f"cause:{cause.id}", cause

    def place(self, kind: str, id_: str, loc: Sequence[int | str] = ()) -> Place:
        """Return where a document, or the part of it at `loc`, is written."""
        origin = self.origins.get((kind, id_))
        return origin.place(loc) if origin else Place(f"<{kind} {id_}>", 1, 1)

    def packs_of(self, kind: str, id_: str) -> tuple[str, ...]:
        """Return the names of the packs that a document comes from: its own, then extensions."""
        history = self.history.get((kind, id_), ())
        last = max((i for i, c in enumerate(history) if c.role != "extends"), default=0)
        return tuple(dict.fromkeys(c.pack for c in history[last:]))
