"""FILE.py:FUNC becomes a case, or one sentence that says what is wrong and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

import probes
from expert.errors import UsageError, UserCodeError
from probes.case.case import Case
from probes.case.case_file import load_case
from probes.case.user_imports import users_first
from tests.probes.sentences import said

GOOD = """
from torch import nn
def case():
    return dict(model=nn.Linear(2, 1), train_loader=[], loss_fn=nn.MSELoss())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder; what loading from it did to this process is undone."""
    path, modules = list(sys.path), dict(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def write(folder: Path, source: str, name: str = "training.py") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return file


def refused(spec: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_case(spec)
    return said(caught.value)


def failed(spec: str) -> UserCodeError:
    with pytest.raises(UserCodeError) as caught:
        load_case(spec)
    said(caught.value)
    return caught.value


def test_a_dict_or_a_case_from_the_function_is_the_case(folder: Path) -> None:
    file = write(folder, GOOD)
    assert isinstance(load_case(f"{file}:case").model, nn.Linear)
    source = "from probes import Case\n" + GOOD.replace("dict(", "Case(")
    other = write(folder, source, "other.py")
    assert type(load_case(f"{other}:case")) is Case


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("training.py", "`training.py` names no function: write FILE.py:FUNC"),
        ("", "names no function"),
        (":case", "names no function"),
        ("training.py:", "`` in `training.py:` is not a function name"),
        ("training.py:a-b", "`a-b` in `training.py:a-b` is not a function name"),
        ("trainng.py:case", "There is no file `trainng.py`: did you mean `training.py`?"),
        ("absent/x.py:case", "There is no file `absent/x.py`: check the path."),
        (".:case", "`.` is a folder"),
        ("book.ipynb:case", "is a notebook"),
        ("weights.pt:case", "is not a Python file"),
        ("training.py:csae", "no function `csae` in training.py: did you mean `case`?"),
        ("training.py:zz", "no function `zz` in training.py: its functions are case, needs"),
        ("training.py:number", "`number` in training.py is a int, not a function"),
        ("training.py:needs", "`needs` requires arguments (a, b)"),
        ("training.py:nothing", "`nothing()` returned None: return a dict or a Case"),
        ("training.py:rubbish", "`rubbish()` returned a str"),
        ("training.py:wrong_key", "unknown key `optimiser`: did you mean `optimizer`?"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    extra = """
number = 3
def needs(a, b, c=1): pass
def nothing(): pass
def rubbish(): return "rubbish"
def wrong_key(): return case() | {"optimiser": None}
"""
    write(folder, GOOD + extra)
    write(folder, "{}", "book.ipynb")
    (folder / "weights.pt").write_bytes(b"PK\0\0\xff")
    monkeypatch.chdir(folder)
    assert message in refused(spec)


def test_a_file_without_functions_says_so(folder: Path) -> None:
    assert "it defines no functions" in refused(f"{write(folder, 'x = 1')}:case")


def test_a_syntax_error_is_told_with_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "x = 1\ndef case(:\n    pass\n")
    monkeypatch.chdir(folder)
    error = failed("training.py:case")
    assert "training.py, line 2: SyntaxError" in error.text.en
    assert "def case(:" in error.traceback


def test_an_error_in_the_function_keeps_the_users_traceback_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "def case():\n    return inner()\ndef inner():\n    return 1 / 0\n")
    monkeypatch.chdir(folder)
    error = failed("training.py:case")
    assert "Your function case() failed in training.py, line 4: ZeroDivisionError" in error.text.en
    assert error.traceback.count("  File ") == 2
    assert "return inner()" in error.traceback
    assert "case_file" not in error.traceback
    assert error.traceback.startswith("Traceback (most recent call last):")


def test_an_error_while_the_file_runs_shows_no_import_machinery(folder: Path) -> None:
    write(folder, "raise KeyError('k') from ValueError('v')\n", "helper.py")
    error = failed(f"{write(folder, 'import helper')}:case")
    assert "helper.py, line 1: KeyError: 'k'" in error.text.en
    assert "importlib" not in error.traceback
    assert "ValueError: v" in error.traceback


def test_code_that_ends_the_program_is_told(folder: Path) -> None:
    error = failed(f"{write(folder, 'import sys; sys.exit(3)')}:case")
    assert "the code ended the program" in error.text.en


def test_the_files_folder_comes_first_on_the_path(folder: Path) -> None:
    write(folder, "VALUE = 'mine'", "colorsys.py")
    sys.modules.pop("colorsys", None)
    file = write(folder, "import colorsys\nassert colorsys.VALUE == 'mine'\n" + GOOD)
    assert load_case(f"{file}:case").train_loader == []


def test_a_file_named_as_another_module_does_not_take_its_place(folder: Path) -> None:
    load_case(f"{write(folder, GOOD, 'random.py')}:case")
    import random

    assert hasattr(random, "Random")
    load_case(f"{write(folder, GOOD, 'probes.py')}:case")
    assert sys.modules["probes"] is probes


@pytest.mark.parametrize("name", ["expert", "probes", "knowledge"])
@pytest.mark.parametrize("layout", ["{}.py", "{}/__init__.py", "{}/part.py"])
def test_modules_of_the_user_with_our_names_are_the_users(
    folder: Path, name: str, layout: str
) -> None:
    path = layout.format(name)
    write(folder, "WHOSE = 'the user'\n", path)
    module = f"{name}.part" if path.endswith("part.py") else name
    source = f"""
import importlib
assert importlib.import_module('{module}').WHOSE == 'the user'
class Late:
    def __iter__(self):
        import {module} as found
        return iter([found.WHOSE])
"""
    file = write(folder, source + GOOD.replace("train_loader=[]", "train_loader=Late()"))
    with users_first():  # as the child process does, for the whole examination
        case = load_case(f"{file}:case")
        assert list(case.train_loader) == ["the user"]
    assert sys.modules["probes"] is probes
    assert sys.modules["expert.errors"].UsageError is UsageError


def test_our_names_are_ours_where_the_user_has_none() -> None:
    with users_first():
        import probes.case.case as found

        assert found.Case is Case
        assert found.__spec__ is not None
        assert found.__spec__.origin == found.__file__
