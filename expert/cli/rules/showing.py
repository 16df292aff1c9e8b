"""`torchmedic rules show ID`: one document, where it is written, and which packs made it so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import yaml
from rich.console import Console
from rich.text import Text as Styled

from expert.errors import UsageError
from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Document
from expert.language import Language
from expert.spelling import did_you_mean


def show(id_: str, knowledge: Knowledge, console: Console, language: Language) -> int:
    """Print the document; raise `UsageError` when there is none of that id."""
    for kind, documents in _kinds(knowledge).items():
        if id_ in documents:
            _print(kind, id_, documents[id_], knowledge, console, language)
            return 0
    raise _unknown(id_, knowledge)


def _kinds(knowledge: Knowledge) -> dict[str, dict[str, Document]]:
    return {
        "cause": dict(knowledge.causes),
        "symptom": dict(knowledge.symptoms),
        "fact": dict(knowledge.facts),
        "question": dict(knowledge.questions),
        "source": dict(knowledge.sources),
    }


def _unknown(id_: str, knowledge: Knowledge) -> UsageError:
    if pack := knowledge.disabled.get(id_):
        return UsageError(
            en=f"the cause '{id_}' is switched off by the pack {pack}",
            zh=f"原因“{id_}”已被规则包 {pack} 停用",
        )
    known = (name for documents in _kinds(knowledge).values() for name in documents)
    hint = did_you_mean(id_, known)
    return UsageError(
        en=f"there is no cause, symptom or fact '{id_}'" + (f"; {hint.en}" if hint else ""),
        zh=f"没有名为“{id_}”的原因、现象或事实" + (f"；{hint.zh}" if hint else ""),
    )


def _print(
    kind: str, id_: str, document: Document, knowledge: Knowledge, console: Console, lang: Language
) -> None:
    data = _in_language(document.model_dump(mode="json", by_alias=True, exclude_unset=True), lang)
    written = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=96)
    for line in _provenance(kind, id_, knowledge):
        console.print(Styled(f"# {line}", style="dim"))
    console.print(Styled(written.rstrip()))


def _provenance(kind: str, id_: str, knowledge: Knowledge) -> Iterator[str]:
    """Yield a line for every pack that defined, overrode or extended the document."""
    history = knowledge.history.get((kind, id_), ())
    for i, contribution in enumerate(history):
        overridden = any(later.role == "overrides" for later in history[i + 1 :])
        role = {"extends": "extended at ", "overrides": "overridden at "}.get(contribution.role, "")
        ended = ", overridden" if overridden else ""
        yield f"{role}{contribution.document.place()} ({contribution.pack}{ended})"


_SUBJECTS: Final = ("cause", "symptom", "fact", "value", "for")


def _in_language(data: object, language: Language) -> object:
    """Return the document with every {en, zh} replaced by the text in one language.

    Its keys in the order in which people write them: first what a part is about.
    """
    if isinstance(data, dict):
        if data.keys() == {"en", "zh"}:
            return data[language]
        first = [key for key in _SUBJECTS if key in data]
        return {key: _in_language(data[key], language) for key in dict.fromkeys((*first, *data))}
    if isinstance(data, list):
        return [_in_language(item, language) for item in data]
    return data
