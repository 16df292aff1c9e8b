"""Running a script bare and watched, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
LAUNCHER = "from expert.cli import main\nraise SystemExit(main())\n"


def bare(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `python ARGUMENTS` in `cwd`."""
    return _run([sys.executable, *arguments], cwd, options)


def watched(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `torchmedic run ARGUMENTS` in `cwd`, as an installed program would be."""
    program = cwd / ".bin" / "torchmedic"
    program.parent.mkdir(exist_ok=True)
    program.write_text(LAUNCHER)
    return _run([sys.executable, str(program), "run", *arguments], cwd, options)


def _run(
    command: list[str], cwd: Path, options: dict[str, Any]
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=cwd, capture_output=True, env=environment, **options)


def diagnosis(script: str, cwd: Path) -> dict[str, Any]:
    """Return the diagnosis of a watched script, written to `cwd`."""
    (cwd / "train.py").write_text(script)
    done = watched("--json", "found.json", "train.py", cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads((cwd / "found.json").read_text())
    return found


def without_our_lines(errors: bytes) -> list[str]:
    """Return the lines of standard error that the script itself has written."""
    lines = errors.decode().splitlines()
    return [line for line in lines if not line.startswith("torchmedic")]
