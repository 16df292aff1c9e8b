"""`torchmedic log` as a user meets it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from expert.cli import main

DATA = Path(__file__).parents[2] / "data" / "logs"


def log(*arguments: str) -> int:
    return main(["log", *arguments, "--lang", "en"])


def test_a_healthy_log_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert log(str(DATA / "healthy.csv")) == 0
    said = capsys.readouterr().out
    assert "No fault found" in said
    assert "healthy.csv:train_loss" in said


def test_a_sick_log_exits_with_1_and_shows_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert log(str(DATA / "overflow.jsonl")) == 1
    assert re.search(r"from\s+step 32\s+on", capsys.readouterr().out)


def test_json_names_every_curve_that_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert log(str(DATA / "overfits.csv"), "--json", "-") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["findings"][0]["cause"] == "overfitting"
    read = {one["id"]: one["reason"] for one in report["inquiries"] if one["status"] == "done"}
    assert read["overfits.csv:train_loss"] == "training loss, 101 points"
    assert read["overfits.csv:val_loss"] == "validation loss, 80 points"
    assert report["facts"]["curve.val_rises"]["origin"].startswith("log:")


def test_a_higher_threshold_tells_less(capsys: pytest.CaptureFixture[str]) -> None:
    assert log(str(DATA / "overfits.csv"), "--min-certainty", "0.99") == 0


def test_standard_input_is_a_file_called_dash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = io.BytesIO((DATA / "rate_ten.log").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    assert log("-") == 1
    assert "learning-rate-too-high" in capsys.readouterr().out


def test_rules_of_ones_own_see_the_curves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text(
        "pack: mine\nschema_version: 1\ntitle: {en: Mine, zh: 我的}\n---\n"
        "cause: too-brief-for-us\ntitle: {en: Too brief, zh: 太短}\n"
        "explanation: {en: Brief., zh: 短。}\nevidence:\n"
        "  - {rule: brief, when: {fact: curve.epochs, below: 100}, certainty: 0.9,\n"
        "     reason: {en: 'Only {curve.epochs} epochs.', zh: '只有 {curve.epochs} 个。'}}\n"
    )
    assert log(str(DATA / "healthy.csv"), "--rules", str(tmp_path)) == 1
    assert "Only 12 epochs." in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_read_is_one_sentence_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    (tmp_path / "empty.csv").touch()
    assert main(["log", str(tmp_path / "empty.csv"), "--lang", language]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ("is empty" if language == "en" else "是空文件") in said


def test_what_was_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.csv"
    path.write_text((DATA / "healthy.csv").read_text()[:-20])
    assert log(str(path)) == 0
    assert "does not fit the header and was left out" in capsys.readouterr().err
