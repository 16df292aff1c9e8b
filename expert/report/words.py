"""Words that every written report uses, and sentences built from a diagnosis."""

from __future__ import annotations

from expert.diagnosis import Diagnosis, Inquiry, TrialOutcome
from expert.language import Language, Text
from expert.observation import Observation, Scalar
from expert.template import number

HEALTHY = Text(en="No fault found.", zh="没有发现故障。")
INCOMPLETE = Text(
    en="No fault found in what was checked; some checks ran out of time or failed (see below).",
    zh="在已完成的检查中没有发现故障；有些检查因时间不足或出错而未完成（见下）。",
)
FOUND = Text(en="What is wrong", zh="问题所在")
SUSPECTED = Text(en="Suspected, not proven", zh="怀疑但未证实")
CHECKED = Text(en="Checked", zh="已检查")
NOT_CHECKED = Text(en="Not checked", zh="未检查")
RULED_OUT = Text(en="Ruled out", zh="已排除")
SO_MANY_CAUSES = Text(en="{} causes", zh="{} 种原因")
SYMPTOMS = Text(en="What is visible", zh="可见的现象")
EVIDENCE = Text(en="Evidence", zh="证据")
MEASURED = Text(en="Measured", zh="测量值")
CURVES = Text(en="Curves", zh="曲线")
FIX = Text(en="Fix", zh="修复")
VERIFY = Text(en="It worked when", zh="如何确认有效")
BECAUSE_OF = Text(en="follows from", zh="源于")
LEADS_TO = Text(en="brings about", zh="会导致")
LOOK_AT = Text(en="Look at", zh="查看")
TRIED = Text(en="Tried on a copy", zh="已在副本上试过")
HEALED = Text(en="It heals.", zh="有效，已治愈。")
HELPED = Text(en="It helps.", zh="有帮助。")
DID_NOT_HELP = Text(en="It did not help.", zh="没有帮助。")
CERTAINTY = Text(en="certainty", zh="确信度")
SOURCES = Text(en="Sources", zh="出处")
MEASURES = {
    "loss": Text(en="loss", zh="损失"),
    "accuracy": Text(en="accuracy", zh="准确率"),
    "explained-variance": Text(en="explained variance", zh="解释方差"),
    "validation-loss": Text(en="validation loss", zh="验证损失"),
    "validation-accuracy": Text(en="validation accuracy", zh="验证准确率"),
    "validation-explained-variance": Text(
        en="explained variance in validation", zh="验证集解释方差"
    ),
}

_VALUES_SHOWN = 4


def verdict(diagnosis: Diagnosis) -> Text:
    """Return what to say of a diagnosis without findings."""
    return INCOMPLETE if diagnosis.is_incomplete else HEALTHY


def joined(parts: list[str], language: Language) -> str:
    """Return `parts` as a list in a sentence; ids keep their spaces, at which lines can break."""
    in_chinese = language == "zh" and not all(part.isascii() for part in parts)
    return ("、" if in_chinese else ", ").join(parts)


def colon(language: Language) -> str:
    """Return the colon of the language, with its space."""
    return "：" if language == "zh" else ": "


def measurement(fact: Observation) -> str:
    """Return "name = value" of a fact, shortened when it has many values."""
    unit = f" {fact.unit}" if fact.unit else ""
    if not isinstance(fact.value, tuple):
        return f"{fact.name} = {shown(fact.value)}{unit}"
    pairs = [f"{w}: {shown(v)}" for w, v in zip(fact.where, fact.value, strict=True)]
    some = ", ".join(pairs[:_VALUES_SHOWN])
    rest = len(pairs) - _VALUES_SHOWN
    return f"{fact.name} = {{{some}{f', ... (+{rest})' if rest > 0 else ''}}}{unit}"


def shown(value: Scalar) -> str:
    """Return one value as a person writes it."""
    return str(value) if isinstance(value, (bool, str)) else number(value)


def tried(outcome: TrialOutcome, language: Language) -> str:
    """Return what a trial showed as a sentence."""
    helped = HEALED if outcome.cured else HELPED
    verdict_ = helped if outcome.improved else DID_NOT_HELP
    before, after, without = (
        number(value) for value in (outcome.before, outcome.after, outcome.baseline)
    )
    measure = MEASURES[outcome.measure].get(language)
    if language == "zh":
        return (
            f"{outcome.steps} 步后{measure} {before} → {after}；不做修改为 {without}。{verdict_.zh}"
        )
    numbers = f"after {outcome.steps} steps {measure} {before} -> {after}; without: {without}."
    return f"{numbers} {verdict_.en}"


def grouped_not_done(diagnosis: Diagnosis, language: Language) -> list[str]:
    """Return the inquiries that did not come to their end, "ids: reason" for each reason."""
    by_reason: dict[Text | None, list[str]] = {}
    for inquiry in not_checked(diagnosis):
        by_reason.setdefault(inquiry.reason, []).append(inquiry.id)
    return [
        ", ".join(ids) + (f": {reason.get(language)}" if reason else "")
        for reason, ids in by_reason.items()
    ]


def not_done(inquiry: Inquiry, language: Language) -> str:
    """Return which inquiry was not made (to its end), and why."""
    reason = inquiry.reason.get(language) if inquiry.reason else ""
    return f"{inquiry.id}: {reason}" if reason else inquiry.id


def not_checked(diagnosis: Diagnosis) -> list[Inquiry]:
    """Return the inquiries that did not come to their end."""
    return [i for i in diagnosis.inquiries if i.status != "done" or i.cut_short]
