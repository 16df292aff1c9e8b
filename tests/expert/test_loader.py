"""Loading knowledge: every kind of mistake with its place, packs over packs, and fuzz."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expert.inference.diagnose import diagnose
from expert.knowledge.loader import load_knowledge
from expert.knowledge.reader import KnowledgeError, parse_documents
from tests.expert.making import loaded, observed

BASE = """\
pack: base
schema_version: 1
title: {en: Base, zh: 基础}
---
source: book/1
title: A book
---
fact: loss.initial
type: number
meaning: {en: m, zh: m}
inquiry: probe:loss
---
question: noisy
text: {en: Noisy?, zh: 有噪声吗？}
why: {en: because, zh: 因为}
choices:
  - {answer: "yes", text: {en: "Yes", zh: 是}, sets: {loss.initial: 1}}
  - {answer: "no", text: {en: "No", zh: 否}}
---
symptom: loss-high
title: {en: t, zh: t}
explanation: {en: "{loss.initial}", zh: e}
evidence:
  - rule: high
    when: {fact: loss.initial, above: 10}
    certainty: 0.9
    reason: {en: "it is {loss.initial}", zh: r}
---
cause: too-high
title: {en: t, zh: t}
explanation: {en: e, zh: e}
produces: [too-low]
evidence:
  - rule: seen
    when:
      all:
        - {symptom: loss-high}
        - {none: [{fact: loss.initial, below: 1e-3}]}
    certainty: 0.8
    reason: {en: r, zh: r}
    sources: [book/1]
fixes:
  - fix: lower
    title: {en: t, zh: t}
    instructions: {en: "from {loss.initial}", zh: i}
    code: "lr = {loss.initial:1}"
    verify: {en: v, zh: v}
tests:
  - {name: fires, given: {loss.initial: 20}, expect: [too-high], first: too-high}
---
cause: too-low
title: {en: t, zh: t}
explanation: {en: e, zh: e}
evidence:
  - rule: low
    when: {fact: loss.initial, below: 1}
    certainty: 0.8
    reason: {en: r, zh: r}
"""


def problems(*packs: str) -> list[str]:
    with pytest.raises(KnowledgeError) as raised:
        loaded(*packs)
    return [str(problem) for problem in raised.value.problems]


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new, 1)


def line_of(part: str) -> int:
    return BASE[: BASE.index(part)].count("\n") + 1


def column_of(part: str) -> int:
    return BASE.index(part) - BASE.rfind("\n", 0, BASE.index(part))


def test_the_base_is_right() -> None:
    known = loaded(BASE)
    assert list(known.causes) == ["too-high", "too-low"]
    assert known.causes["too-high"].evidence[0].certainty == 0.8
    assert str(known.place("cause", "too-low")) == f"0.yaml:{line_of('cause: too-low')}:1"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("certainty: 0.9", "certainty: 1.9", "evidence.0.certainty: must be at most 1"),
        ("certainty: 0.9", "certainty: no", "evidence.0.certainty: must be a number"),
        ("certainty: 0.9", "certainty: '0.9'", "evidence.0.certainty: must be a number"),
        ("certainty: 0.9", "certanty: 0.9", "unknown key 'certanty'; did you mean 'certainty'?"),
        ("type: number", "type: numbr", "type: must be 'number', 'integer'"),
        ("type: number", "typ: number", "unknown key 'typ'; did you mean 'type'?"),
        ("schema_version: 1", "schema_version: 0", "schema_version: must be 1"),
        ("fact: loss.initial, above", "fact: loss.inital, above", "unknown fact 'loss.inital'"),
        ("symptom: loss-high}", "symptom: loss-hig}", "unknown symptom 'loss-hig'; did you mean"),
        ("too-low]", "too-lo]", "unknown cause 'too-lo'; did you mean 'too-low'?"),
        ("book/1]", "book/2]", "unknown source 'book/2'; did you mean 'book/1'?"),
        ("it is {loss.initial}", "it is {loss.initia}", "unknown fact 'loss.initia'; did you"),
        ("it is {loss.initial}", "it is {loss.initial", "a brace is not closed"),
        ("it is {loss.initial}", "it is {loss.initial|up}", "is not a fact with one of |percent"),
        ('"{loss.initial}"', '"{0, 1}"', "is not a fact with one of |percent"),
        ("{loss.initial:1}", "{loss.inital:1}", "unknown fact 'loss.inital'; did you mean"),
        ("sets: {loss.initial", "sets: {loss.final", "unknown fact 'loss.final'"),
        ("{loss.initial: 20}", "{loss.first: 20}", "unknown fact 'loss.first'"),
        ("expect: [too-high]", "expect: [to-high]", "unknown cause 'to-high'; did you mean"),
    ],
)
def test_tells_the_line_and_what_was_meant(old: str, new: str, message: str) -> None:
    (problem,) = [p for p in problems(changed(old, new)) if "is missing" not in p]
    assert problem.startswith(f"0.yaml:{line_of(old)}:")
    assert message in problem


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("certainty: 0.9", "certanty: 0.9", column_of("certainty: 0.9")),
        ("certainty: 0.9", "certainty: 1.9", column_of("certainty: 0.9") + len("certainty: ")),
        ("{fact: loss.initial, above: 10}", "{fact: loss.initial, above: x}", 11 + 28),
        ("{none: [{fact: loss.initial, below: 1e-3}]}", "{none: [{fact: loss.initial}]}", 26),
    ],
)
def test_tells_the_column(old: str, new: str, column: int) -> None:
    found = [problem.split(": ")[0] for problem in problems(changed(old, new))]
    assert f"0.yaml:{line_of(old)}:{column}" in found


def test_a_missing_key_is_told_at_what_lacks_it() -> None:
    text = changed("    certainty: 0.9\n", "")
    assert problems(text) == [f"0.yaml:{line_of('rule: high')}:5: the key 'certainty' is missing"]


def test_a_missing_translation_is_told() -> None:
    assert "the key 'zh' is missing" in problems(changed("{en: Base, zh: 基础}", "{en: Base}"))[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "0.yaml:1:1: a document must be a mapping"),
        ("just text\n", "0.yaml:1:1: a document must be a mapping"),
        ("couse: x\n", "a document begins with one of the keys pack, source"),
        ("couse: x\n", "did you mean 'cause'?"),
        ("cause: Too High\n", "must be small letters and digits, joined by hyphens"),
        ("fact: Loss Initial\n", "joined by dots, such as loss.initial"),
        ("cause: 3\n", "must be text"),
    ],
)
def test_documents_of_no_kind(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(text))


def test_all_problems_are_told_at_once() -> None:
    text = changed("certainty: 0.9", "certainty: 2").replace("certainty: 0.8", "certainty: 3")
    assert len(problems(text)) == 3


def test_an_id_given_twice() -> None:
    again = BASE + "---\n" + BASE[BASE.index("cause: too-low") :]
    (problem,) = problems(again)
    assert "the cause 'too-low' is defined twice" in problem
    assert f"first at 0.yaml:{line_of('cause: too-low')}:1" in problem


def test_a_rule_given_twice_in_one_cause() -> None:
    rule = BASE[BASE.index("  - rule: low") :]
    assert "the rule 'low' is given twice" in problems(BASE + rule)[0]


def test_conclusions_that_depend_on_each_other() -> None:
    circle = changed("{fact: loss.initial, above: 10}", "{cause: too-high}")
    (problem,) = problems(circle)
    assert "conclusions depend on each other" in problem
    assert "symptom:loss-high -> cause:too-high -> symptom:loss-high" in problem or (
        "cause:too-high -> symptom:loss-high -> cause:too-high" in problem
    )


def test_a_cause_that_rests_on_itself() -> None:
    alone = changed("{fact: loss.initial, below: 1}", "{cause: too-low}")
    assert "cause:too-low -> cause:too-low" in problems(alone)[0]


# ------------------------------------------------------------------------------- packs
OWN = BASE[BASE.index("cause: too-low") :].replace("0.8", "0.3")


def test_a_later_pack_overrides() -> None:
    assert loaded(BASE, OWN).causes["too-low"].evidence[0].certainty == 0.3
    assert list(loaded(BASE, OWN).causes) == ["too-high", "too-low"]


def head(disable: str) -> str:
    return f"pack: own\nschema_version: 1\ntitle: {{en: t, zh: t}}\ndisable: {disable}\n"


def test_a_pack_disables_causes_that_others_mention() -> None:
    mentions = changed("{none: [", "{none: [{cause: too-low}, ")
    known = loaded(mentions, head("[too-low]"))
    assert list(known.causes) == ["too-high"]
    assert known.causes["too-high"].links == []
    assert diagnose(observed({"loss.initial": 20}), known).ruled_out == ()


def test_disabling_what_does_not_exist_is_told() -> None:
    (problem,) = problems(BASE, head("[too-lo]"))
    assert problem == "1.yaml:4:11: unknown cause 'too-lo'; did you mean 'too-low'?"


def test_reads_folders_and_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "b.yml").write_text("source: book/2\ntitle: t\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("cause: [", encoding="utf-8")
    known = load_knowledge(tmp_path, built_in=False)
    assert set(known.sources) == {"book/1", "book/2"}
    assert load_knowledge(tmp_path / "deep" / "a.yaml", built_in=False).causes.keys() == (
        known.causes.keys()
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no such file or folder"):
        load_knowledge(tmp_path / "missing", built_in=False)


def test_problems_in_several_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("cause: x\n", encoding="utf-8")
    with pytest.raises(KnowledgeError) as raised:
        load_knowledge(tmp_path, built_in=False)
    assert {Path(p.place.path).name for p in raised.value.problems} == {"a.yaml", "b.yaml"}


def test_the_built_in_knowledge_loads() -> None:
    assert load_knowledge().packs


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("certainty: 0.9", "certanty: 0.9", "未知的键“certanty”；您是否想写“certainty”？"),
        ("certainty: 0.9", "certainty: 9", "evidence.0.certainty：应不大于 1"),
        ("certainty: 0.9", 'certainty: "high"', "evidence.0.certainty：应为数字"),
        ("too-low]", "too-lo]", "未知的原因“too-lo”；您是否想写“too-low”？"),
        ("above: 10}", "}", "请用 is、is_not、"),
        ("type: number", "type: [number", "不是合法的 YAML：列表缺少"),
    ],
)
def test_what_is_wrong_is_said_in_chinese_too(old: str, new: str, told: str) -> None:
    with pytest.raises(KnowledgeError) as raised:
        loaded(changed(old, new))
    assert any(told in line for line in raised.value.say("zh").splitlines()), raised.value.say("zh")


def test_a_mistake_deep_inside_nested_conditions_is_placed_in_no_time() -> None:
    nested = "{all: [" * 25 + "{fact: loss.initial, abov: 1}" + "]}" * 25
    text = changed("{fact: loss.initial, above: 10}", nested)
    assert any("unknown key 'abov'; did you mean 'above'?" in p for p in problems(text))


# -------------------------------------------------------------------------------- fuzz
def _mutated(rng: random.Random) -> str:
    lines = BASE.splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        other = rng.choice(lines)
        match rng.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, other)
            case 2:
                lines[at] = other
            case 3:
                lines[at] = " " * rng.randrange(4) + lines[at]
            case _:
                spot = rng.randrange(len(lines[at]))
                char = rng.choice("{}[]:,-#'\"&*!|> 01e.~\n")
                lines[at] = lines[at][:spot] + char + lines[at][spot + rng.randrange(2) :]
    return "".join(lines)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_any_change_gives_knowledge_that_works_or_a_knowledge_error(seed: int) -> None:
    text = _mutated(random.Random(seed))
    try:
        known = loaded(text)
    except KnowledgeError as error:
        lines = [problem.place.line for problem in error.problems]
    else:
        lines = [1]
        for value in (20, 0.5, float("nan"), "text", True):
            diagnose(observed({"loss.initial": value}), known)
    assert lines
    assert all(1 <= line <= text.count("\n") + 2 for line in lines)


def test_the_fuzz_meets_both_outcomes() -> None:
    outcomes = set()
    for seed in range(60):
        try:
            loaded(_mutated(random.Random(seed)))
        except KnowledgeError:
            outcomes.add("refused")
        else:
            outcomes.add("accepted")
    assert outcomes == {"refused", "accepted"}


def test_reading_keeps_the_documents_of_a_file_in_order() -> None:
    kinds = [next(iter(document.data)) for document in parse_documents(BASE, "0.yaml")]
    assert kinds == ["pack", "source", "fact", "question", "symptom", "cause", "cause"]
