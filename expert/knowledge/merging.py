"""Packs over packs: validating their documents and merging them into one `Knowledge`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expert.knowledge.base import Contribution, Knowledge, Role, Written
from expert.knowledge.extending import extended
from expert.knowledge.reader import KnowledgeError, Problem
from expert.knowledge.references import KIND_ZH, reference_problems
from expert.knowledge.schema import KINDS, AnyDocument, Cause, Extension, Pack, Symptom
from expert.knowledge.validation import future_version, validate
from expert.language import Text
from expert.spelling import did_you_mean

Key = tuple[str, str]


def assemble(
    packs: Sequence[Sequence[Written]],
    problems: Iterable[Problem] = (),
    *,
    names: Sequence[str] = (),
    references: bool = True,
    on_document: Callable[[], None] | None = None,
) -> Knowledge:
    """Validate the documents of each pack, merge the packs, and check all references.

    `names` are what packs without a head are called. `references=False` is for documents that are
    known to have passed that check. Raises `KnowledgeError` when there is any problem, `problems`
    (met while reading) included.
    """
    merger = _Merger(list(problems), on_document or (lambda: None))
    for number, documents in enumerate(packs):
        merger.add(documents, names[number] if number < len(names) else f"pack-{number}")
    disabled = merger.disabled()
    knowledge = merger.knowledge(disabled)
    if references and not merger.problems:  # references into what failed to load would be noise
        merger.problems += reference_problems(knowledge, disabled)
    if merger.problems:
        raise KnowledgeError(merger.problems)
    return knowledge


@dataclass(slots=True)
class _Merger:
    """The packs merged so far, and what was wrong with them."""

    problems: list[Problem]
    on_document: Callable[[], None]
    documents: dict[Key, tuple[Written, AnyDocument]] = field(default_factory=dict)
    history: dict[Key, list[Contribution]] = field(default_factory=dict)
    heads: list[tuple[str, Written, Pack]] = field(default_factory=list)

    def add(self, documents: Sequence[Written], name: str) -> None:
        """Merge the documents of one pack: definitions first, then what it adds to others."""
        if problem := future_version(documents):
            self.problems.append(problem)
            return
        written = [raw for raw in documents if raw.data is not None]  # "---" at the end of a file
        valid = [each for raw in written if (each := self._validated(raw))]
        for _, raw, document in valid:
            if isinstance(document, Pack):
                name = document.pack
                self.heads.append((name, raw, document))
        own: dict[Key, Written] = {}
        for kind, raw, document in valid:
            if not isinstance(document, (Pack, Extension)):
                self._define(name, kind, raw, document, own)
        for _, raw, document in valid:
            if isinstance(document, Extension):
                self._extend(name, raw, document)

    def _validated(self, raw: Written) -> tuple[str, Written, AnyDocument] | None:
        self.on_document()
        try:
            kind, document = validate(raw)
        except KnowledgeError as error:
            self.problems += error.problems
            return None
        return kind, raw, document

    def _define(
        self, name: str, kind: str, raw: Written, document: AnyDocument, own: dict[Key, Written]
    ) -> None:
        key = (kind, getattr(document, kind))
        if key in own:
            first = own[key].place()
            message = Text(
                en=f"the {kind} '{key[1]}' is defined twice",
                zh=f"{KIND_ZH[kind]}“{key[1]}”定义了两次",
            )
            hint = Text(en=f"first at {first}", zh=f"第一次在 {first}")
            self.problems.append(Problem(raw.place((kind,)), message, hint))
        own[key] = raw
        role: Role = "overrides" if key in self.documents else "defines"
        self.documents[key] = (raw, document)
        self.history.setdefault(key, []).append(Contribution(name, role, raw))

    def _extend(self, name: str, raw: Written, extension: Extension) -> None:
        id_ = extension.extends
        key = next((k for k in (("cause", id_), ("symptom", id_)) if k in self.documents), None)
        if key is None:
            known = [known for kind, known in self.documents if kind in ("cause", "symptom")]
            message = Text(en=f"unknown cause or symptom '{id_}'", zh=f"未知的原因或现象“{id_}”")
            hint = did_you_mean(id_, known)
            self.problems.append(Problem(raw.place(("extends",)), message, hint))
            return
        base, document = self.documents[key]
        assert isinstance(document, (Symptom, Cause))
        try:
            self.documents[key] = extended(base, document, raw, extension)
        except KnowledgeError as error:
            self.problems += error.problems
        self.history[key].append(Contribution(name, "extends", raw))

    def disabled(self) -> dict[str, str]:
        """Return the causes that packs switch off, with the name of the pack."""
        causes = [id_ for kind, id_ in self.documents if kind == "cause"]
        found: dict[str, str] = {}
        for name, raw, head in self.heads:
            for i, id_ in enumerate(head.disable):
                if id_ in causes:
                    found[id_] = name
                    continue
                place = raw.place(("disable", i))
                message = Text(en=f"unknown cause '{id_}'", zh=f"未知的原因“{id_}”")
                self.problems.append(Problem(place, message, did_you_mean(id_, causes)))
        return found

    def knowledge(self, disabled: Mapping[str, str]) -> Knowledge:
        """Return what the packs amount to, without the disabled causes."""
        kinds: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        for (kind, id_), (_, document) in self.documents.items():
            if isinstance(document, Cause):
                if id_ in disabled:
                    continue
                document = _without_links_to(disabled, document)
            kinds[kind][id_] = document
        return Knowledge(
            packs=tuple(head for _, _, head in self.heads),
            sources=kinds["source"],
            facts=kinds["fact"],
            questions=kinds["question"],
            symptoms=kinds["symptom"],
            causes=kinds["cause"],
            origins={key: raw for key, (raw, _) in self.documents.items()},
            history={key: tuple(history) for key, history in self.history.items()},
            disabled=disabled,
        )


def _without_links_to(disabled: Mapping[str, str], cause: Cause) -> Cause:
    links = [link for link in cause.links if link.cause not in disabled]
    if len(links) == len(cause.produces):
        return cause
    return cause.model_copy(update={"produces": links})
