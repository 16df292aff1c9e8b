"""A document that others add to: its parts come from several files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expert.knowledge.base import Written
from expert.knowledge.reader import KnowledgeError, Place, Problem
from expert.knowledge.schema import EXTENDABLE, Cause, Extension, Symptom
from expert.language import Text


@dataclass(frozen=True, slots=True)
class ExtendedDocument:
    """A document and its extensions, which looks up every part where it was written."""

    base: Written
    #: For each key that was added to: (document, position in it) of every entry.
    entries: Mapping[str, Sequence[tuple[Written, int]]]

    @property
    def data(self) -> Any:
        """The document that was extended, as plain data."""
        return self.base.data

    def place(self, loc: Sequence[int | str] = (), *, key: bool = False) -> Place:
        """Return the place of the value (or the key) at `loc`."""
        match tuple(loc):
            case str(field), int(at), *rest if at < len(self.entries.get(field, ())):
                document, position = self.entries[field][at]
                return document.place((field, position, *rest), key=key)
        return self.base.place(loc, key=key)


def extended(
    raw: Written, document: Symptom | Cause, addition: Written, extension: Extension
) -> tuple[Written, Symptom | Cause]:
    """Return the document with the extension added, and where its parts are written.

    Raises `KnowledgeError` when a symptom would get what only causes have, or when the extension
    gives one rule or fix twice.
    """
    changed: dict[str, list[Any]] = {}
    entries: dict[str, list[tuple[Written, int]]] = {}
    for name in EXTENDABLE:
        added = getattr(extension, name)
        if not added:
            continue
        if name not in type(document).model_fields:
            message = Text(en=f"a symptom has no {name}", zh=f"现象没有 {name}")
            raise KnowledgeError([Problem(addition.place((name,)), message)])
        _refuse_repetition(addition, name, added)
        own = list(getattr(document, name))
        placed = [(raw, i) for i in range(len(own))]
        for i, item in enumerate(added):
            _put(own, placed, item, (addition, i))
        changed[name], entries[name] = own, placed
    return ExtendedDocument(raw, entries), document.model_copy(update=changed)


def _put(
    own: list[Any], placed: list[tuple[Written, int]], item: Any, at: tuple[Written, int]
) -> None:
    """Replace the rule or fix of the same id, or append."""
    id_ = _id(item)
    for i, old in enumerate(own):
        if id_ and id_ == _id(old):
            own[i], placed[i] = item, at
            return
    own.append(item)
    placed.append(at)


def _refuse_repetition(addition: Written, name: str, added: Sequence[Any]) -> None:
    """Raise `KnowledgeError` where an id comes twice: the first would be lost without a word."""
    seen: set[str] = set()
    for i, item in enumerate(added):
        id_ = _id(item)
        if id_ in seen:
            raise KnowledgeError([Problem(addition.place((name, i)), given_twice(item))])
        if id_:
            seen.add(id_)


def _id(item: Any) -> str | None:
    return getattr(item, "rule", None) or getattr(item, "fix", None)


def given_twice(item: Any) -> Text:
    """Return what is said of a rule or a fix whose id was there before."""
    kind, kind_zh = ("rule", "规则") if hasattr(item, "rule") else ("fix", "修复办法")
    id_ = _id(item)
    return Text(en=f"the {kind} '{id_}' is given twice", zh=f"{kind_zh}“{id_}”出现了两次")
