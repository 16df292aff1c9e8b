"""Does each question ask for something, and do its choices differ?"""

from __future__ import annotations

from collections.abc import Iterator

from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Question
from expert.language import Text
from expert.lint.coded import CODES, Remark
from expert.lint.walking import facts_used


def on_questions(knowledge: Knowledge) -> Iterator[Remark]:
    """Yield remarks on choices that are alike or missing, and on facts that nothing uses."""
    used = facts_used(knowledge)
    for id_, question in knowledge.questions.items():
        for i, code, message in (*_alike(question), *_dont_know(question)):
            place = knowledge.place("question", id_, ("choices", i) if i is not None else ())
            yield Remark(place, CODES[code], message)
        for name in sorted({name for choice in question.choices for name in choice.sets} - used):
            if knowledge.facts[name].inquiry != f"question:{id_}":  # else it is told by the fact
                text = Text(en=f"nothing uses the answer {name}", zh=f"答案 {name} 无人使用")
                yield Remark(knowledge.place("question", id_), CODES["unused-answer"], text)


def _alike(question: Question) -> Iterator[tuple[int, str, Text]]:
    seen: dict[tuple[tuple[str, object], ...], str] = {}
    for i, choice in enumerate(question.choices):
        if not choice.sets:
            continue
        facts = tuple(sorted((name, repr(value)) for name, value in choice.sets.items()))
        if facts in seen:
            both = seen[facts], choice.answer
            yield (
                i,
                "same-answer",
                Text(
                    en=f"{question.question}: {both[0]} and {both[1]} set the same facts",
                    zh=f"{question.question}：{both[0]} 与 {both[1]} 设置了相同的事实",
                ),
            )
        seen[facts] = choice.answer


def _dont_know(question: Question) -> Iterator[tuple[None, str, Text]]:
    count = sum(not choice.sets for choice in question.choices)
    if count != 1:
        message = Text(
            en=f"{question.question} has {count} choices that set nothing; give it one",
            zh=f"{question.question} 有 {count} 个不设置事实的选项；应当恰好一个",
        )
        yield None, "no-dont-know", message
