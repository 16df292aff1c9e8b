"""`--print-completion`: what a shell offers once it has read the script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from expert.cli import main

BASH = shutil.which("bash")


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", "bash"])
    assert ended.value.code == 0
    (tmp_path / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "case.py").touch()
    return tmp_path / "script"


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("chec", ["check"]),
        ("rules l", ["lint", "list"]),
        ("--lang z", ["zh"]),
        ("check --html", ["--html"]),
        ("check ca", ["case.py"]),
    ],
)
def test_bash_offers_commands_options_choices_and_files(
    script: Path, typed: str, offered: list[str]
) -> None:
    words = ["torchmedic", *typed.split()]
    ask = (
        f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1};"
        f"_shtab_torchmedic torchmedic {words[-1]} {words[-2]}; printf '%s\\n' ${{COMPREPLY[@]}}"
    )
    assert BASH is not None
    done = subprocess.run(
        [BASH, "-c", ask], cwd=script.parent, capture_output=True, text=True, check=True
    )
    assert sorted(done.stdout.split()) == offered


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_a_script_of_their_own(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--print-completion", shell])
    written = capsys.readouterr().out
    assert "torchmedic" in written
    assert "--min-certainty" in written or shell == "tcsh"


def test_nothing_of_it_is_loaded_before_it_is_asked_for() -> None:
    script = "import sys; from expert.cli.parser import build_parser; build_parser();"
    done = subprocess.run(
        [sys.executable, "-c", script + "print('shtab' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
