"""Are texts in both languages there, alike, and free of question marks?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import conclusions_in, facts_in
from expert.knowledge.schema import Bilingual
from expert.language import Text
from expert.lint.coded import CODES, Remark
from expert.lint.facts import Provider, Providers, answered
from expert.lint.reachability import can_hold
from expert.lint.walking import Words, texts
from expert.template import names_in, names_needed

Worlds = Sequence[frozenset[str]]  # what is known where a log or a watched run is all there is

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_FIELD = re.compile(r"\{[^{}]*\}|`[^`]*`|\[\[|\]\]")
_WORDS = re.compile(r"[A-Za-z]{2,}[ ,;:]+[a-z]{2,}")


def on_texts(knowledge: Knowledge, providers: Providers) -> Iterator[Remark]:
    """Yield remarks on translations, on facts shown, and on what is still to be written."""
    told = {name for names in answered(knowledge).values() for name in names}
    alone = [p.facts | told for p in (providers or {}).values() if p.alone]
    for words in texts(knowledge):
        yield from _remarks(knowledge, providers, alone, words)


def _remarks(
    knowledge: Knowledge, providers: Providers, alone: Worlds, words: Words
) -> Iterator[Remark]:
    text = words.text
    for name in _maybe_unknown(knowledge, providers, alone, words) if _told_later(words) else ():
        message = Text(
            en=f"{words.owner}: {name} may be unknown; put it in [[ ]]",
            zh=f"{words.owner}：{name} 可能未知，请放进 [[ ]]",
        )
        yield Remark(words.place, CODES["maybe-unknown"], message)
    if "TODO" in text.en or "TODO" in text.zh:
        message = Text(
            en=f"{words.owner}: a text is to be written", zh=f"{words.owner}：有文本尚待填写"
        )
        yield Remark(words.place, CODES["todo"], message)
    elif _not_translated(text):
        message = Text(
            en=f"{words.owner}: '{text.zh}' is not translated",
            zh=f"{words.owner}：“{text.zh}”没有翻译",
        )
        yield Remark(words.place, CODES["not-translated"], message)
    if different := _different_facts(text):
        shown = ", ".join(sorted(different))
        message = Text(
            en=f"{words.owner}: only one language shows {shown}",
            zh=f"{words.owner}：只有一种语言的文本显示了 {shown}",
        )
        yield Remark(words.place, CODES["facts-differ"], message)


def _told_later(words: Words) -> bool:
    """Whether facts are filled in: titles and explanations have no condition to rest on."""
    return words.loc[0] in ("evidence", "fixes")


def _maybe_unknown(
    knowledge: Knowledge, providers: Providers, alone: Worlds, words: Words
) -> list[str]:
    """Return the facts that would be shown as "?" when nobody has observed them.

    A fact is taken to be known with one of the condition's when it comes from the same inquiry, or
    from a probe that runs wherever the other's does, because it needs no more. Where all that is
    known may come from a log or a watched run, it must come from there as well.
    """
    read = facts_in(words.condition) if words.condition else ()
    known = {knowledge.facts[name].inquiry for name in read}
    names = {*names_needed(words.text.en), *names_needed(words.text.zh)}
    missing = {
        name
        for name in names
        if not any(_comes_with(knowledge.facts[name].inquiry, other, providers) for other in known)
    }
    if words.condition is not None:
        concluded = set(conclusions_in(words.condition))
        for facts in alone:
            if not names <= facts and can_hold(words.condition, facts, concluded):
                missing |= names - facts
    return sorted(missing)


def _comes_with(inquiry: str, other: str, providers: Providers) -> bool:
    own, others = ((providers or {}).get(each) for each in (inquiry, other))
    if inquiry == other:
        return True
    return _is_probe(own) and _is_probe(others) and own.needs <= others.needs


def _is_probe(provider: Provider | None) -> TypeGuard[Provider]:
    return provider is not None and not provider.alone and not provider.told


def _not_translated(text: Bilingual) -> bool:
    """Whether the Chinese has no Chinese; names and numbers alone ("SGD", "16") need none."""
    english = _FIELD.sub("", text.en)
    return not _CHINESE.search(text.zh) and bool(_WORDS.search(english))


def _different_facts(text: Bilingual) -> set[str]:
    return set(names_in(text.en)) ^ set(names_in(text.zh))
