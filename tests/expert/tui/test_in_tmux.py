"""The whole walk in a real terminal: start, demo, diagnose, try, ask, export, quit."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")


class Terminal:
    """A program in a tmux of its own."""

    def __init__(self, folder: Path, line: str) -> None:
        self._socket = str(folder / "tmux")
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._run("new-session", "-d", "-x", "100", "-y", "32", line, env=environment, cwd=folder)

    def _run(
        self, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> str:
        command = [str(TMUX), "-S", self._socket, "-f", "/dev/null", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd)
        return done.stdout

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        for key in keys:
            self._run("send-keys", key)
            time.sleep(0.3)

    def sees(self, words: str, seconds: float = 120.0) -> None:
        self.until(lambda: words in self.screen(), words, seconds)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}:\n{self.screen()}"
            time.sleep(0.3)

    def has_ended(self) -> bool:
        return not self._run("list-sessions").strip()

    def close(self) -> None:
        self._run("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    home = tmp_path / "home"
    home.mkdir()
    line = shlex.join(
        ["env", f"XDG_STATE_HOME={home}", sys.executable, "-m", "expert", "--lang", "en"]
    )
    terminal = Terminal(tmp_path, line)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(TMUX is None, reason="there is no tmux")
def test_from_the_start_to_a_cured_patient(terminal: Terminal, tmp_path: Path) -> None:
    terminal.sees("A demo patient")
    terminal.press("Enter", "Enter")  # the menu, then the first patient
    terminal.sees("Examination")
    terminal.sees("almost certain", 400.0)
    terminal.press("a")
    terminal.until(
        lambda: "Question" in terminal.screen() and "1 " in terminal.screen(), "a question"
    )
    terminal.press("1")
    terminal.press("d")
    terminal.sees("almost certain")
    terminal.press("t")
    terminal.sees("It heals.", 300.0)
    terminal.press("c")  # the treated copy, examined from top to bottom
    terminal.sees("c compares the two", 400.0)
    terminal.press("c")
    terminal.sees("Gone")
    terminal.press("Escape", "x")
    terminal.sees("Save as")
    terminal.press("Enter")
    terminal.until(lambda: (tmp_path / "diagnosis.md").exists(), "the exported file")
    terminal.press("q")
    terminal.until(terminal.has_ended, "the end")
    assert (tmp_path / "diagnosis.md").read_text(encoding="utf-8").strip()
    saved = list((tmp_path / "home").rglob("*.jsonl"))
    assert len(saved) == 2  # before and after
