"""`torchmedic explain`: answers from a saved diagnosis, without examining again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from expert import Observation, built_in_knowledge, diagnose
from expert.cli import main
from expert.report.json_report import to_json

SOFTMAX = [
    Observation("loss.function", "cross_entropy", origin="probe:loss_input"),
    Observation("loss.input_is_probability", True, origin="probe:loss_input"),
    Observation("gradient.missing", (True, False), ("fc.weight", "fc.bias"), "probe:gradients"),
]


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = tmp_path / "diagnosis.json"
    path.write_text(to_json(diagnose(SOFTMAX, built_in_knowledge())), encoding="utf-8")
    return str(path)


def test_the_findings_are_explained_as_trees(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", saved, "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "(double-softmax)" in out
    assert "✓ loss.input_is_probability = True" in out
    assert "Rules that did not fire" in out


def test_a_cause_that_was_not_found_can_be_looked_up(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", saved, "dead-relu", "--lang", "en"]) == 0
    assert "nothing is known about it" in capsys.readouterr().out


def test_what_if_shows_how_the_certainty_would_move(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--what-if", "loss.input_is_probability=false", "--lang", "en"]
    assert main(["explain", saved, *arguments]) == 0
    assert "(double-softmax)" in capsys.readouterr().out


def test_json_holds_the_same_tree(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", saved, "double-softmax", "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)[0]["rules"]
    assert rules[0]["fired"] is True
    assert rules[0]["condition"]["truth"] is True


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.json"], "torchmedic check FILE.py:FUNC --json FILE"),
        (["SAVED", "double-sofmax"], "did you mean 'double-softmax'?"),
        (["SAVED", "--what-if", "loss.initia=3"], "did you mean 'loss.initial'?"),
        (["SAVED", "--what-if", "loss.initial"], "FACT=VALUE"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str], sentence: str, saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [saved if word == "SAVED" else word for word in arguments]
    assert main(["explain", *chosen, "--lang", "en"]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_json_that_is_no_diagnosis_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"schema": "torchmedic.diagnosis/2"}')
    assert main(["explain", str(path), "--lang", "en"]) == 2
    assert "not a diagnosis of schema torchmedic.diagnosis/1" in capsys.readouterr().err


def test_why_tells_what_a_question_is_for(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", saved, "--why", "question:class-balance", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    question = built_in_knowledge().questions["class-balance"]
    assert question.why.en.split()[0] in out
    assert "(class-imbalance)" in out or "would change the diagnosis" in out


def test_why_of_a_probe_shows_the_rules_that_wait_for_it(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", saved, "--why", "probe:splits", "--json", "--lang", "en"]) == 0
    answer = json.loads(capsys.readouterr().out)[0]
    assert answer["id"] == "probe:splits"
    assert answer["gain"] > 0
    waiting = [change for change in answer["changes"] if change["condition"]]
    assert waiting
    assert all(change["condition"]["truth"] is not True for change in waiting)


def test_why_alone_lists_what_would_be_worth_knowing_next(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", saved, "--why", "--lang", "en"]) == 0
    assert "probe:" in capsys.readouterr().out


def test_why_of_an_unknown_inquiry_is_refused_with_a_hint(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", saved, "--why", "probe:split", "--lang", "en"]) == 2
    assert "probe:splits" in capsys.readouterr().err
