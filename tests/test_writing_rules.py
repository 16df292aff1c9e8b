"""The page for rule authors, followed word for word as a new user would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from expert.asking import Questionnaire
from expert.cli import main
from expert.inference.diagnose import diagnose
from expert.knowledge.loader import load_knowledge
from tests.expert.making import condition

PAGE = Path(__file__).parents[1] / "docs" / "writing-rules.md"
_TRY = re.compile(r"<!-- try: (.+?) -->")
_BLOCK = re.compile(r"((?:<!-- try: .+? -->\n)+)```(\w*)\n(.*?)```", re.DOTALL)

BLOCKS = {
    tuple(_TRY.findall(marks)): text
    for marks, _, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
}


def block(name: str) -> str:
    return next(text for names, text in BLOCKS.items() if name in names)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `.torchmedic` of a project in which the worked example was written down."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".torchmedic"
    folder.mkdir()
    (folder / "ours.yaml").write_text(block("ours.yaml"), encoding="utf-8")
    return folder


def test_every_block_is_tried_and_says_what_is_tried() -> None:
    assert len(BLOCKS) == PAGE.read_text(encoding="utf-8").count("```") / 2
    for names, text in BLOCKS.items():
        commands = [name for name in names if name.startswith("rules ")]
        if commands:
            assert text.splitlines() == [f"torchmedic {command}" for command in commands]


def test_the_worked_example_takes_less_than_ten_lines() -> None:
    assert len(block("ours.yaml").splitlines()) < 10


def test_a_question_of_ones_own_is_asked_and_reasoned_with(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pack / "asked.yaml").write_text(block("asked.yaml"), encoding="utf-8")
    assert main(["rules", "lint"]) == 0
    assert main(["rules", "test", "repeated-batch"]) == 0
    assert capsys.readouterr().out.endswith(" 0 failed\n")
    known = load_knowledge(pack)
    told = Questionnaire(known).answer("cache-version", "old").observations
    assert [finding.cause for finding in diagnose(told, known).findings] == ["repeated-batch"]


def test_the_worked_example_is_tested_by_the_commands_of_the_page(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "test", "repeated-batch"]) == 0
    assert capsys.readouterr().out.endswith(" 0 failed\n")
    assert main(["rules", "show", "repeated-batch"]) == 0
    shown = capsys.readouterr().out
    assert "# extended at .torchmedic/ours.yaml:1:1" in shown
    assert "rule: our-cache" in shown
    main(["rules", "lint"])
    assert "ours.yaml" not in capsys.readouterr().out


def test_the_test_of_the_worked_example_fails_without_its_fact(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = block("ours.yaml").replace("input.repeated_batch: true", "input.repeated_batch: false")
    (pack / "ours.yaml").write_text(text, encoding="utf-8")
    assert main(["rules", "test", "repeated-batch"]) == 1
    assert ".torchmedic/ours.yaml:9:5: repeated-batch, the cache" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [name for names in BLOCKS for name in names if name.startswith("rules ")]
)
def test_every_command_runs(pack: Path, command: str) -> None:
    assert main(shlex.split(command)) in (0, 1)
    written = command.partition("--output ")[2]
    assert not written or Path(written).stat().st_size > 0


def test_the_head_of_a_pack_switches_its_cause_off(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pack / "pack.yaml").write_text(block("pack.yaml"), encoding="utf-8")
    assert main(["rules", "list"]) == 0
    assert "not-shuffled" not in capsys.readouterr().out


def test_the_conditions_of_the_page_are_conditions() -> None:
    assert len(condition(yaml.safe_load(block("condition"))).model_dump()["all"]) == 7


def test_the_page_is_linked_from_the_readme() -> None:
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert "(docs/writing-rules.md)" in readme
