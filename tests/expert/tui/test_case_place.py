"""FILE.py:FUNC: completions while it is typed, and plain words when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from expert.tui.case_place import completions, problem_with, split_place

CODE = """
from elsewhere import imported_case
other = lambda: {}

def helper(): ...
def my_case(): ...
def _hidden(): ...
if True:
    def conditional(): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def case(:\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "deep.py").write_text("def case(): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "split"),
    [
        ("train.py:case", ("train.py", "case")),
        ("train.py", ("train.py", "")),
        ("train.py:", ("train.py", "")),
        (r"C:\work\train.py", (r"C:\work\train.py", "")),
        (r"C:\work\train.py:case", (r"C:\work\train.py", "case")),
    ],
)
def test_the_last_colon_separates_the_function(typed: str, split: tuple[str, str]) -> None:
    assert split_place(typed) == split


@pytest.mark.parametrize(
    "place",
    ["train.py:my_case", "train.py:imported_case", "train.py:other", "train.py:conditional"],
)
def test_a_function_that_may_exist_is_accepted(folder: Path, place: str) -> None:
    assert problem_with(place) is None


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "FILE.py:FUNC"),
        ("missing.py:case", "no file missing.py"),
        ("cases:case", "is a folder"),
        ("notes.txt:case", "not a Python file"),
        ("broken.py:case", "line 1"),
        ("train.py", "The file has helper, my_case, conditional"),
        ("train.py:my_cas", "did you mean my_case"),
        ("train.py:zebra", "no function zebra"),
        ("bad\0name.py:case", "no file"),
    ],
)
def test_a_wrong_place_is_explained_in_both_languages(folder: Path, place: str, words: str) -> None:
    problem = problem_with(place)
    assert problem is not None
    assert words in problem.en
    assert problem.zh != problem.en


def test_files_and_folders_are_completed(folder: Path) -> None:
    assert completions("tr") == ["train.py"]
    assert completions("ca") == ["cases/"]
    assert completions("cases/") == ["cases/deep.py"]
    assert "notes.txt" not in completions("")


def test_functions_are_completed_with_likely_cases_first(folder: Path) -> None:
    assert completions("train.py") == [
        "train.py:my_case",
        "train.py:helper",
        "train.py:conditional",
    ]
    assert completions("train.py:h") == ["train.py:helper"]


def test_a_finished_place_has_no_completion(folder: Path) -> None:
    assert completions("train.py:my_case") == []


def test_nothing_of_the_file_is_run(folder: Path) -> None:
    (folder / "loud.py").write_text("raise SystemExit\ndef case(): ...\n", encoding="utf-8")
    assert completions("loud.py:") == ["loud.py:case"]
