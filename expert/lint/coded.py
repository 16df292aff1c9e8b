"""The codes of all remarks, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expert.knowledge.reader import Place
from expert.language import Language, Text

Level = Literal["warning", "note"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of remark."""

    id: str
    level: Level
    meaning: Text


@dataclass(frozen=True, slots=True)
class Remark:
    """Something probably wrong, and where."""

    place: Place
    code: Code
    message: Text

    def say(self, language: Language) -> str:
        """Return place, message and code in one line."""
        return f"{self.place}: {self.message.get(language)} [{self.code.id}]"

    def __str__(self) -> str:
        return self.say("en")


def about(owner: str, message: Text) -> Text:
    """Return the message with what it is about in front."""
    return Text(en=f"{owner}: {message.en}", zh=f"{owner}：{message.zh}")


def _code(id_: str, level: Level, en: str, zh: str) -> tuple[str, Code]:
    return id_, Code(id_, level, Text(en=en, zh=zh))


CODES: dict[str, Code] = dict(
    [
        # ------------------------------------------------------------------ what a cause lacks
        _code(
            "never-ruled-out",
            "warning",
            "a cause has no evidence against it, so it can never be ruled out",
            "原因缺少反面证据，永远无法被排除",
        ),
        _code("no-fix", "warning", "a cause has no fix", "原因没有给出修复办法"),
        _code("no-source", "warning", "a cause cites no source", "原因没有引用任何出处"),
        _code(
            "no-test",
            "warning",
            "a cause lacks a rule test that expects it, or one that expects silence",
            "原因缺少应当得出它的规则测试，或缺少应当不出现的规则测试",
        ),
        # ------------------------------------------------------------------------------- types
        _code(
            "missing-quantifier",
            "warning",
            "a fact with a value per layer (feature, ...) is compared without `for`",
            "逐层（逐特征等）取值的事实在比较时没有写 `for`",
        ),
        _code(
            "needless-quantifier",
            "warning",
            "`for` is given for a fact that has a single value",
            "只有单个值的事实却写了 `for`",
        ),
        _code(
            "wrong-type",
            "warning",
            "a fact is compared with a value that it can never have",
            "事实与它不可能取到的值比较",
        ),
        _code(
            "not-a-number",
            "warning",
            "a text, flag or per-layer fact is used in arithmetic or as a bound",
            "文本、标志或逐层取值的事实被用于算术或作为界限",
        ),
        # ------------------------------------------------------------------------------- logic
        _code(
            "never-true",
            "warning",
            "a condition can never hold, like above 5 and below 3",
            "条件永远不成立，例如既大于 5 又小于 3",
        ),
        _code(
            "always-true",
            "warning",
            "a condition holds whatever the value; write `known:` if that is meant",
            "无论取何值条件都成立；若有意如此，请写 `known:`",
        ),
        _code(
            "same-condition",
            "warning",
            "two rules of one conclusion have the same condition",
            "同一结论的两条规则条件相同",
        ),
        _code(
            "contradicting",
            "warning",
            "two rules of one conclusion hold in the same cases and say the opposite",
            "同一结论的两条规则在相同情况下成立，却给出相反的判断",
        ),
        _code(
            "never-counts",
            "warning",
            "a rule counts for nothing: another of its group always holds with it and is stronger",
            "规则不起作用：同组中总有另一条与它同时成立且更强的规则",
        ),
        _code(
            "counted-twice",
            "note",
            "whenever one rule holds another does too, and both count: give them one `group`",
            "一条规则成立时另一条必然成立，两者都被计入：请放进同一个 `group`",
        ),
        # ------------------------------------------------------------------------------- texts
        _code(
            "maybe-unknown",
            "warning",
            "a text uses a fact that may be unknown there, outside `[[ ]]`",
            "文本在 `[[ ]]` 之外使用了此处可能未知的事实",
        ),
        _code(
            "not-translated",
            "warning",
            "the Chinese of a text is its English, or holds no Chinese character",
            "文本的中文与英文相同，或不含任何汉字",
        ),
        _code(
            "facts-differ",
            "warning",
            "the English and the Chinese of a text show different facts",
            "文本的中文与英文引用的事实不同",
        ),
        _code("todo", "warning", "a text still says TODO", "文本中仍有 TODO"),
        # ---------------------------------------------------------- facts, questions and sources
        _code(
            "unused-answer",
            "warning",
            "a question sets a fact that nothing uses: it asks for nothing",
            "问题设置的事实无人使用：白问了",
        ),
        _code(
            "same-answer",
            "warning",
            "two choices of a question set the same facts to the same values",
            "一个问题的两个选项设置了完全相同的事实",
        ),
        _code(
            "no-dont-know",
            "warning",
            "a question has not exactly one choice that sets nothing: I don't know",
            "问题应当恰好有一个不设置任何事实的选项：不清楚",
        ),
        _code(
            "wrong-inquiry",
            "warning",
            "a fact names an inquiry that does not provide it, while another does",
            "事实所写的来源并不提供它，而另有来源提供",
        ),
        _code(
            "not-asked",
            "warning",
            "a fact names a question that is not there or never sets it",
            "事实所写的问题不存在，或从不设置它",
        ),
        _code(
            "not-measured",
            "note",
            "nothing provides the fact yet: no probe, trial, log or watched run",
            "目前没有任何来源（探针、试验、日志、运行观察）提供该事实",
        ),
        _code(
            "unreachable",
            "note",
            "a rule cannot fire: what it rests on can never become known",
            "规则无法触发：它依据的内容永远不会已知",
        ),
        _code("unused-fact", "note", "nothing uses the fact", "该事实没有被任何地方使用"),
        _code(
            "no-threshold",
            "note",
            "a rule compares with a number and says neither `threshold` nor `sources`",
            "规则与数字比较，却没有写 `threshold` 或 `sources`",
        ),
        _code("not-cited", "note", "nothing cites the source", "该出处没有被任何地方引用"),
    ]
)
