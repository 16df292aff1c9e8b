"""Are texts in both languages there, alike, and free of question marks?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import facts_in
from expert.knowledge.schema import Bilingual
from expert.lint.coded import CODES, Remark
from expert.lint.facts import Probes
from expert.lint.walking import Words, texts
from expert.template import names_in, names_needed

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_FIELD = re.compile(r"\{[^{}]*\}|`[^`]*`|\[\[|\]\]")
_WORDS = re.compile(r"[A-Za-z]{2,}[ ,;:]+[a-z]{2,}")


def on_texts(knowledge: Knowledge, probes: Probes) -> Iterator[Remark]:
    """Yield remarks on translations, on facts shown, and on what is still to be written."""
    for words in texts(knowledge):
        yield from _remarks(knowledge, probes, words)


def _remarks(knowledge: Knowledge, probes: Probes, words: Words) -> Iterator[Remark]:
    text = words.text
    for name in _maybe_unknown(knowledge, probes, words) if _told_later(words) else ():
        message = f"{words.owner}: {name} may be unknown; put it in [[ ]]"
        yield Remark(words.place, CODES["maybe-unknown"], message)
    if "TODO" in text.en or "TODO" in text.zh:
        yield Remark(words.place, CODES["todo"], f"{words.owner}: a text is to be written")
    elif _not_translated(text):
        yield Remark(words.place, CODES["not-translated"], f"{words.owner}: '{text.zh}'")
    if different := _different_facts(text):
        message = f"{words.owner}: only one language shows {', '.join(sorted(different))}"
        yield Remark(words.place, CODES["facts-differ"], message)


def _told_later(words: Words) -> bool:
    """Whether facts are filled in: titles and explanations have no condition to rest on."""
    return words.loc[0] in ("evidence", "fixes")


def _maybe_unknown(knowledge: Knowledge, probes: Probes, words: Words) -> list[str]:
    """Return the facts that would be shown as "?" when nobody has observed them.

    A fact is taken to be known with one of the condition's when it comes from the same inquiry, or
    from a probe that runs wherever the other's does, because it needs no more.
    """
    read = facts_in(words.condition) if words.condition else ()
    known = {knowledge.facts[name].inquiry for name in read}
    names = {*names_needed(words.text.en), *names_needed(words.text.zh)}
    return sorted(
        name
        for name in names
        if not any(_comes_with(knowledge.facts[name].inquiry, other, probes) for other in known)
    )


def _comes_with(inquiry: str, other: str, probes: Probes) -> bool:
    own, others = ((probes or {}).get(each.removeprefix("probe:")) for each in (inquiry, other))
    return inquiry == other or bool(own and others and own.needs <= others.needs)


def _not_translated(text: Bilingual) -> bool:
    """Whether the Chinese has no Chinese; names and numbers alone ("SGD", "16") need none."""
    english = _FIELD.sub("", text.en)
    return not _CHINESE.search(text.zh) and bool(_WORDS.search(english))


def _different_facts(text: Bilingual) -> set[str]:
    return set(names_in(text.en)) ^ set(names_in(text.zh))
