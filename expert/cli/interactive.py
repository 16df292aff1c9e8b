"""`torchmedic` without a command: the interface."""

from __future__ import annotations

import argparse
import os
import sys

from expert.errors import UsageError


def interactive(options: argparse.Namespace) -> int:
    """Open the interface; refuse where there is no terminal for it."""
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not (
        on_terminal or os.environ.get("TEXTUAL_DRIVER")
    ):  # `torchmedic serve` is a terminal too
        raise UsageError(
            en="the interface needs a terminal; use `torchmedic check FILE.py:FUNC` "
            "or see `torchmedic --help`",
            zh="界面需要终端；请使用 `torchmedic check FILE.py:FUNC`，或查看 `torchmedic --help`",
        )
    from expert.tui import run_tui

    return run_tui(language=options.lang, rules=options.rules)
