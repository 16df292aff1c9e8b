"""`torchmedic ask` as a user meets it: answers from a pipe, and on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from expert.asking import Answered
from expert.cli import main
from expert.cli.ask import Person
from expert.cli.parser import build_parser
from expert.cli.progress import ProgressDisplay
from tests.expert.making import loaded

ASK = [sys.executable, "-c", "import sys; from expert.cli import main; sys.exit(main())", "ask"]

PACK = """\
fact: reported.weather
type: text
values: [rain, sun]
meaning: {en: The weather., zh: 天气。}
inquiry: question:weather
---
question: weather
text: {en: How is the weather?, zh: 天气怎样？}
why: {en: Machines rust., zh: 机器会生锈。}
choices:
  - {answer: rain, text: {en: It rains, zh: 下雨}, sets: {reported.weather: rain}}
  - {answer: sun, text: {en: The sun shines, zh: 晴天}, sets: {reported.weather: sun}}
  - {answer: unknown, text: {en: I don't know, zh: 不清楚}}
---
cause: rust
title: {en: Rust, zh: 生锈}
explanation: {en: It rusts., zh: 它生锈了。}
evidence:
  - rule: rain
    when: {fact: reported.weather, is: rain}
    certainty: 0.9
    reason: {en: You say that it rains., zh: 您说在下雨。}
"""


def ask(monkeypatch: pytest.MonkeyPatch, answers: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    return main(["ask", "--lang", "en", *arguments])


def saved(tmp_path: Path, facts: dict[str, object]) -> Path:
    report = {
        "schema": "torchmedic.diagnosis/1",
        "facts": {
            name: {"value": value, "origin": "probe:x", "where": []}
            for name, value in facts.items()
        },
        "inquiries": [{"id": "loop", "kind": "probe", "status": "done", "seconds": 0.5}],
    }
    path = tmp_path / "diagnosis.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


def test_answers_from_a_pipe_end_in_the_usual_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "falls\nturns\n") == 1
    said = capsys.readouterr()
    assert "The network learns the training set by heart" in said.out
    assert "What does the training loss do?" in said.err
    assert "What does the training loss do?" not in said.out
    assert "So far: The network learns the training set by heart" in said.err


def test_no_answer_says_so_and_exits_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "") == 0
    assert "Nothing was answered" in capsys.readouterr().err


def test_json_on_standard_output_is_nothing_but_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "falls\nturns\nd\nq\n", "--json", "-") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["findings"][0]["cause"] == "overfitting"
    assert report["facts"]["reported.loss_curve"]["origin"] == "question:what-the-loss-does"
    kinds = {one["kind"] for one in report["inquiries"]}
    assert kinds == {"question"}
    assert [one["status"] for one in report["inquiries"]] == ["done", "done", "skipped"]


def test_why_back_and_nonsense_leave_the_question_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "?\n99\nnonsense\nb\nflat\nb\nfalls\nq\n") == 0
    said = capsys.readouterr().err
    assert "Each picture has its own causes" in said
    assert "'99' is no answer to this" in said
    assert "'nonsense' is no answer to this" in said
    assert "This is the first question." in said
    assert said.count("1. What does the training loss do?") == 2


def test_a_higher_threshold_tells_less(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "falls\nturns\n", "--min-certainty", "0.99") == 0


def test_chinese(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(monkeypatch, "falls\nturns\n?\n", "--lang", "zh") == 1
    said = capsys.readouterr()
    assert "训练损失的走势是怎样的？" in said.err
    assert "它关系到：" in said.err
    assert "问题所在" in said.out


def test_questions_of_a_pack_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK, encoding="utf-8")
    assert ask(monkeypatch, "d\n" * 200, "--rules", str(pack)) == 0
    assert "How is the weather?" in capsys.readouterr().err


def test_what_an_examination_measured_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, {"loop.updates": 1, "optimizer.learning_rate": 0.1})
    assert ask(monkeypatch, "d\n" * 200, "--from", str(path), "--json", "-") == 0
    said = capsys.readouterr()
    assert "Which of these does your training step look like?" not in said.err
    assert "How large is the learning rate?" not in said.err
    assert json.loads(said.out)["inquiries"][0]["id"] == "loop"


@pytest.mark.parametrize("content", ["not json", "{}", '{"schema": "torchmedic.diagnosis/1"}'])
def test_a_file_that_is_no_diagnosis_is_refused_in_one_sentence(
    content: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    assert ask(monkeypatch, "", "--from", str(path)) == 2
    said = capsys.readouterr().err
    assert said.startswith("torchmedic: ")
    assert said.count("\n") == 1


def test_standard_input_is_for_the_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "", "--from", "-") == 2
    assert "--from needs a file" in capsys.readouterr().err


def test_a_pipe_gives_the_exit_status_of_the_report() -> None:
    done = subprocess.run(
        [*ASK, "--lang", "en"], input="falls\nturns\n", capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "overfitting" in done.stdout


def test_on_a_terminal_it_asks_and_q_finishes() -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*ASK, "--lang", "en"], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    seen = ""
    try:
        for wanted, typed in (
            ("What does the training loss do?", "1\n"),
            ("And the validation loss?", "3\n"),
            ("So far", "q\n"),
        ):
            seen = _read_until(ours, wanted, seen)
            os.write(ours, typed.encode())
        seen = _read_until(ours, "What is wrong", seen)
        _drain(ours)
        assert child.wait(60) == 1
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def _read_until(terminal: int, wanted: str, seen: str) -> str:
    end = time.monotonic() + 120
    while wanted not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # the other end was closed
        pass


def test_someone_who_is_asked_during_an_examination_answers_or_has_had_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = loaded(PACK)
    options = build_parser().parse_args(["check", "case.py:case", "--lang", "en", "--ask"])
    display = ProgressDisplay(Console(file=io.StringIO()), "en")
    person = Person(base, options, display)
    monkeypatch.setattr("sys.stdin", io.StringIO("?\nb\n1\nd\n"))
    assert person.ask("weather", ()) == Answered("weather", "rain")
    said = capsys.readouterr().err
    assert "Machines rust" in said
    assert "'b' is no answer to this: type a number from 1 to 3, or ?, d, q." in said
    assert person.ask("weather", ()) == Answered("weather", None)
    assert person.ask("weather", ()) is None  # the input ends
