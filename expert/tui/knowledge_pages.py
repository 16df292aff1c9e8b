"""Everything in the knowledge as entries to search, and each entry as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from expert.inference.wording import in_words
from expert.knowledge.conditions import AnyCondition, facts_in, parts
from expert.language import Language, Text
from expert.tui.phrases import heading, plain
from expert.tui.texts import knowledge as texts
from expert.tui.wrapping import Row, row

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge
    from expert.knowledge.schema import Cause, Conclusion, Rule

_MUTED = "$foreground 60%"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be looked up; `document` is the (kind, id) of where it is written."""

    kind: str
    id: str
    title: Text
    words: str  # what a search looks through, in lower case
    document: tuple[str, str]
    fired: bool = False

    def matches(self, wanted: str) -> bool:
        """Whether every word of the search occurs."""
        return all(word in self.words for word in wanted.split())


def entries(knowledge: Knowledge, fired: Mapping[str, float]) -> Iterator[Entry]:
    """Yield everything that can be looked up."""
    owners = {rule.partition("/")[0] for rule in fired}
    for kind, documents in (("cause", knowledge.causes), ("symptom", knowledge.symptoms)):
        for id_, document in documents.items():
            title = document.title.text
            said = (
                f"{id_} {title.en} {title.zh} {document.explanation.en} {document.explanation.zh}"
            )
            yield Entry(kind, id_, title, said.lower(), (kind, id_), id_ in owners)
    for id_, fact in knowledge.facts.items():
        words = f"{id_} {fact.meaning.en} {fact.meaning.zh} {fact.inquiry}".lower()
        yield Entry("fact", id_, Text(id_, id_), words, ("fact", id_))
    for id_, question in knowledge.questions.items():
        text = question.text.text
        yield Entry("question", id_, text, f"{id_} {text.en} {text.zh}".lower(), ("question", id_))
    for id_, source in knowledge.sources.items():
        shown = Text(f"{id_}  {source.title}", f"{id_}  {source.title}")
        yield Entry("source", id_, shown, f"{id_} {source.title}".lower(), ("source", id_))
    yield from _fired(knowledge, fired)


def _fired(knowledge: Knowledge, fired: Mapping[str, float]) -> Iterator[Entry]:
    for rule, certainty in sorted(fired.items(), key=lambda pair: -abs(pair[1])):
        owner = rule.partition("/")[0]
        kind = "cause" if owner in knowledge.causes else "symptom"
        shown = f"{certainty:+.2f}  {rule}"
        yield Entry("fired", rule, Text(shown, shown), rule.lower(), (kind, owner))


def page(
    entry: Entry, knowledge: Knowledge, fired: Mapping[str, float], language: Language
) -> list[Row]:
    """Return everything that the knowledge says about `entry`."""
    kind, id_ = entry.document
    rows: Iterator[Row]
    if kind == "cause" and id_ in knowledge.causes:
        rows = _cause(knowledge.causes[id_], knowledge, fired, language)
    elif kind == "symptom" and id_ in knowledge.symptoms:
        rows = _conclusion(knowledge.symptoms[id_], id_, fired, language)
    elif kind == "fact" and id_ in knowledge.facts:
        rows = _fact(id_, knowledge, language)
    elif kind == "question" and id_ in knowledge.questions:
        rows = _question(id_, knowledge, language)
    elif kind == "source" and id_ in knowledge.sources:
        rows = _source(id_, knowledge, language)
    else:  # it is gone since the file was edited
        rows = iter(())
    place = texts.WRITTEN_IN.get(language).format(place=knowledge.place(kind, id_))
    return [*rows, row(), row(Content.styled(plain(place), _MUTED))]


def _conclusion(
    document: Conclusion, id_: str, fired: Mapping[str, float], language: Language
) -> Iterator[Row]:
    yield row(Content.styled(plain(document.title.text.get(language)), "bold"))
    yield row(Content.styled(id_, _MUTED))
    yield row()
    yield row(plain(document.explanation.text.get(language)))
    yield row()
    yield row(heading(texts.RULES.get(language)))
    for rule in document.evidence:
        yield from _rule(rule, fired.get(f"{id_}/{rule.rule}"), language)
    if document.tests:
        yield row(Content.styled(texts.TESTS.get(language).format(n=len(document.tests)), _MUTED))


def _rule(rule: Rule, fired: float | None, language: Language) -> Iterator[Row]:
    style = "$error" if rule.certainty > 0 else "$success"
    mark = ("● ", "bold $accent") if fired is not None else "  "
    yield row(Content.assemble(mark, (f"{rule.certainty:+.2f} ", style), (rule.rule, "bold")), 8)
    yield from _condition(rule.when, "        ")
    reason = "        " + plain(rule.reason.text.get(language))
    yield row(Content.styled(reason, _MUTED), 8)
    if fired is not None:
        said = texts.FIRED.get(language).format(certainty=f"{fired:+.2f}")
        yield row(Content.styled("        " + said, "$accent"), 8)


def _condition(condition: AnyCondition, lead: str) -> Iterator[Row]:
    """Yield a condition in words, its parts indented below it."""
    yield row(Content(lead + plain(in_words(condition))), len(lead) + 2)
    for part in parts(condition):
        yield from _condition(part, lead + "  ")


def _cause(
    cause: Cause, knowledge: Knowledge, fired: Mapping[str, float], language: Language
) -> Iterator[Row]:
    yield from _conclusion(cause, cause.id, fired, language)
    if cause.links:
        yield row()
        yield row(heading(texts.PRODUCES.get(language)))
    for link in cause.links:
        other = knowledge.causes.get(link.cause)
        yield row("· " + (plain(other.title.text.get(language)) if other else link.cause), 2)
    if cause.fixes:
        yield row()
        yield row(heading(texts.FIXES.get(language)))
    for fix in cause.fixes:
        trial = Content.styled(f"  {fix.trial}" if fix.trial else "", "$accent")
        yield row(Content("· " + plain(fix.title.text.get(language))) + trial, 2)
        yield row(Content.styled("  " + plain(fix.instructions.text.get(language)), _MUTED), 2)
    for id_ in cause.sources:
        yield row(Content.styled(f"[{id_}]", _MUTED))


def _fact(id_: str, knowledge: Knowledge, language: Language) -> Iterator[Row]:
    fact = knowledge.facts[id_]
    unit = f" · {fact.unit}" if fact.unit else ""
    per = f" · per {fact.per}" if fact.per else ""
    yield row(Content.styled(id_, "bold"))
    yield row(Content.styled(f"{fact.type}{per}{unit}", _MUTED))
    yield row()
    yield row(plain(fact.meaning.text.get(language)))
    if fact.values:
        yield row(plain(texts.VALUES.get(language).format(values=", ".join(fact.values))), 2)
    said = texts.PROVIDED_BY.get(language).format(inquiry=fact.inquiry)
    yield row(Content.styled(plain(said), _MUTED))
    yield row()
    yield row(heading(texts.USED_BY.get(language)))
    for owner, document in knowledge.conclusions():
        for rule in document.evidence:
            if id_ in facts_in(rule.when):
                bare = owner.partition(":")[2]
                yield row(Content.assemble("· ", plain(f"{bare}/{rule.rule}")), 2)


def _question(id_: str, knowledge: Knowledge, language: Language) -> Iterator[Row]:
    question = knowledge.questions[id_]
    yield row(Content.styled(plain(question.text.text.get(language)), "bold"))
    yield row(Content.styled(id_, _MUTED))
    yield row()
    yield row(heading(texts.WHY.get(language)))
    yield row(plain(question.why.text.get(language)))
    yield row()
    yield row(heading(texts.CHOICES.get(language)))
    for choice in question.choices:
        sets = "  ".join(f"{name} = {value}" for name, value in choice.sets.items())
        text = plain(choice.text.text.get(language))
        yield row(Content.assemble("· ", text, (f"  {sets}", _MUTED)), 2)


def _source(id_: str, knowledge: Knowledge, language: Language) -> Iterator[Row]:
    source = knowledge.sources[id_]
    yield row(Content.styled(plain(source.title), "bold"))
    yield row(Content.styled(id_, _MUTED))
    if source.url:
        yield row(plain(source.url))
    yield row()
    yield row(heading(texts.CITED_BY.get(language)))
    for owner, document in knowledge.conclusions():
        cited = {*document.sources, *(s for rule in document.evidence for s in rule.sources)}
        fixes = getattr(document, "fixes", ())
        cited |= {s for fix in fixes for s in fix.sources}
        if id_ in cited:
            title = plain(document.title.text.get(language))
            yield row(Content.assemble("· ", title, (f"  {owner}", _MUTED)), 2)
