"""`torchmedic ask`: the questionnaire alone, in plain prompts; answers may come from a pipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import ClassVar

from rich.console import Console
from rich.padding import Padding
from rich.text import Text as Styled

from expert.asking import Answered, Questionnaire
from expert.cli.knowledge import knowledge_for
from expert.cli.output import refuse_unwritable, report
from expert.cli.progress import ProgressDisplay
from expert.cli.saved_diagnosis import observations_in, read_diagnosis
from expert.diagnosis import Diagnosis, Inquiry
from expert.errors import UsageError
from expert.inference.diagnose import FINDING, diagnose
from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Question
from expert.language import Text
from expert.observation import Observation

_KEYS = Text(
    en="Answer with a number. ? why this is asked, b back, d don't know, q finish.",
    zh="请用数字回答。? 为什么问，b 返回，d 不清楚，q 结束。",
)
_KEYS_MEANWHILE = Text(
    en="Answer with a number. ? why this is asked, d don't know, q no more questions.",
    zh="请用数字回答。? 为什么问，d 不清楚，q 不再提问。",
)
_NOT_UNDERSTOOD = Text(
    en="'{said}' is no answer to this: type a number from 1 to {last}, or {keys}.",
    zh="“{said}”不是可选的回答：请输入 1 到 {last} 的数字，或 {keys}。",
)
_NOTHING_BEFORE = Text(en="This is the first question.", zh="这已经是第一个问题。")
_NOTHING_LEFT = Text(
    en="Nothing more is worth asking: no answer would change the result.",
    zh="没有更多值得问的了：再回答也不会改变结果。",
)
_SO_FAR = Text(en="So far", zh="目前")
_SURE = Text(
    en="This is well supported. q shows what to do about it; going on may find more.",
    zh="证据已较充分。按 q 查看如何处理；继续回答可能发现其他问题。",
)
_NO_ANSWERS = Text(
    en="Nothing was answered, so nothing can be said.", zh="没有任何回答，因此无法判断。"
)
_WELL_SUPPORTED = 0.8


def ask(options: argparse.Namespace) -> int:
    """Ask until nothing is worth asking or the person has enough; report, return the status."""
    knowledge = knowledge_for(options)
    refuse_unwritable(options)
    known, before = _examined(options.diagnosis) if options.diagnosis else ([], [])
    asking = _Interview(Questionnaire(knowledge, known), options).run()
    if not asking.answers:
        _Talk(options).say(_NO_ANSWERS)
    diagnosis = diagnose(
        asking.observations,
        knowledge,
        min_certainty=options.min_certainty,
        inquiries=[*before, *(answered.inquiry for answered in asking.answers)],
    )
    return report(diagnosis, options)


def _examined(path: str) -> tuple[list[Observation], list[Inquiry]]:
    """Return what a saved diagnosis knows, and the inquiries that it made."""
    if path == "-":
        raise UsageError(
            en="--from needs a file: standard input is for the answers",
            zh="--from 需要一个文件：标准输入用于回答问题",
        )
    saved = read_diagnosis(path)
    try:
        done = [Inquiry(i["id"], i["kind"], i["status"], i["seconds"]) for i in saved["inquiries"]]
    except (KeyError, TypeError) as error:
        raise UsageError(
            en=f"the inquiries in {path} are damaged ({error})",
            zh=f"{path} 中的检查记录已损坏（{error}）",
        ) from None
    return observations_in(saved, path), done


class _Talk:
    """Says things on standard error: standard output is for the report alone."""

    KEYS: ClassVar[tuple[str, ...]] = ("?", "d", "q")

    def __init__(self, options: argparse.Namespace) -> None:
        self.language = options.lang
        self.console = Console(stderr=True, highlight=False)

    def say(self, text: Text, style: str = "") -> None:
        self.console.print(Styled(text.get(self.language), style=style))

    def show(self, question: Question, number: int) -> None:
        """Show a question with its choices."""
        title = f"\n{number}. {question.text.text.get(self.language)}"
        self.console.print(Styled(title, style="bold"))
        for i, choice in enumerate(question.choices, 1):
            line = Styled(f"{i:>2}  {choice.text.text.get(self.language)}")
            self.console.print(Padding(line, (0, 0, 0, 2)))

    def heard(self) -> str | None:
        """Return the next line that is typed; None at the end, and for `q`."""
        self.console.print("> ", end="")
        line = sys.stdin.readline()
        said = line.strip()
        if not sys.stdin.isatty():
            self.console.print(Styled(said))
        return None if not line or said == "q" else said

    def answer(self, asking: Questionnaire, question: Question, said: str) -> Questionnaire | None:
        """Return the questionnaire with what was said; None, after a word, where that is none."""
        if said in ("?", "？"):
            self.say(asking.why(question), "italic")
        elif said == "d":
            return asking.answer(question.question, None)
        elif (choice := _chosen(question, said)) is not None:
            return asking.answer(question.question, choice)
        elif said:
            text, last = _NOT_UNDERSTOOD.get(self.language), len(question.choices)
            keys = ("、" if self.language == "zh" else ", ").join(self.KEYS)
            self.console.print(Styled(text.format(said=said, last=last, keys=keys)))
        return None


class Person(_Talk):
    """Whoever sits at the terminal while a case is examined: asked one question now and then."""

    def __init__(
        self, knowledge: Knowledge, options: argparse.Namespace, display: ProgressDisplay
    ) -> None:
        super().__init__(options)
        self._knowledge, self._display = knowledge, display
        self._asked = 0

    def ask(self, question: str, known: Sequence[Observation]) -> Answered | None:
        """Return the answer to a question; None: no more of them."""
        asked, asking = self._knowledge.questions[question], Questionnaire(self._knowledge, known)
        with self._display.paused():
            if not self._asked:
                self.say(_KEYS_MEANWHILE, "dim")
            self._asked += 1
            self.show(asked, self._asked)
            while (said := self.heard()) is not None:
                answered = self.answer(asking, asked, said)
                if answered is not None:
                    return answered.answers[-1]
        return None


class _Interview(_Talk):
    """Asks one question after another."""

    KEYS: ClassVar = ("?", "b", "d", "q")

    def __init__(self, asking: Questionnaire, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.asking = asking
        self.knowledge: Knowledge = asking.knowledge
        self.suspicion = ""

    def run(self) -> Questionnaire:
        """Ask until nothing is worth asking, `q`, or the end of the input."""
        self.say(_KEYS, "dim")
        while question := self.asking.next():
            self.show(question, len(self.asking.answers) + 1)
            answered = self._answered(question)
            if answered is None:
                return self.asking
            self.asking = answered
            self._tell_suspicion()
        self.say(_NOTHING_LEFT, "dim")
        return self.asking

    def _answered(self, question: Question) -> Questionnaire | None:
        """Return the questionnaire after one answer (or a step back), None to finish."""
        while (said := self.heard()) is not None:
            if said == "b" and self.asking.answers:
                return self.asking.back()
            if said == "b":
                self.say(_NOTHING_BEFORE)
                continue
            answered = self.answer(self.asking, question, said)
            if answered is not None:
                return answered
        return None

    def _tell_suspicion(self) -> None:
        """Show the cause that leads now, when that has changed."""
        diagnosis = diagnose(self.asking.observations, self.knowledge)
        leading = _leading(diagnosis)
        if leading is None:
            self.suspicion = ""
            return
        cause, title, certainty = leading
        told = f"{cause} {certainty:.2f}"
        if told == self.suspicion:
            return
        self.suspicion = told
        colon = "：" if self.language == "zh" else ": "
        style = "yellow" if certainty >= FINDING else "dim"
        line = f"{_SO_FAR.get(self.language)}{colon}{title.get(self.language)} ({certainty:.2f})"
        self.console.print(Styled(line, style=style))
        if certainty >= _WELL_SUPPORTED:
            self.say(_SURE, "dim")


def _leading(diagnosis: Diagnosis) -> tuple[str, Text, float] | None:
    first = next(iter((*diagnosis.findings, *diagnosis.suspects)), None)
    return None if first is None else (first.cause, first.title, first.certainty)


def _chosen(question: Question, said: str) -> str | None:
    """Return the choice that was typed, as its number or its name; None if there is none such."""
    names = [choice.answer for choice in question.choices]
    if said.isascii() and said.isdigit() and 1 <= int(said) <= len(names):
        return names[int(said) - 1]
    return said if said in names else None
