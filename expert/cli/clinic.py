"""`torchmedic clinic`: examine all patients kept for testing, and count hits and false alarms.

The patients live beside the tests, in `tests/clinic`, and are not installed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from expert.errors import UsageError


def clinic(options: argparse.Namespace) -> int:
    """Examine the chosen patients, print the counts, and return the exit status."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "tests" / "clinic" / "command.py").is_file():
        raise UsageError(
            en="The clinic's patients are not installed: run torchmedic clinic from a checkout of "
            "the project, installed with pip install -e .",
            zh="病例库没有随包安装：请在项目源码目录中用 pip install -e . 安装后再运行 "
            "torchmedic clinic。",
        )
    sys.path.insert(0, str(root))
    status: int = importlib.import_module("tests.clinic.command").run(options)
    return status
