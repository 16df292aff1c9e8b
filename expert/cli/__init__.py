"""The command line: `torchmedic COMMAND ...`.

Nothing but argparse is imported before a command is known, so that `--help` is immediate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from expert.cli.parser import build_parser, with_defaults

if TYPE_CHECKING:
    import argparse

NO_FINDING, FINDINGS, BAD_USAGE, USER_CODE_FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run torchmedic and return its exit status (DESIGN section 8)."""
    options = with_defaults(build_parser().parse_args(arguments))
    try:
        return _run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away (`torchmedic ... | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_FINDING


def _run(options: argparse.Namespace) -> int:
    from expert.errors import TorchmedicError, UserCodeError

    try:
        status: int = _command(options.command)(options)
    except UserCodeError as error:
        if error.traceback:
            print(error.traceback.rstrip(), file=sys.stderr)
        print(f"torchmedic: {error.say(options.lang)}", file=sys.stderr)
        return USER_CODE_FAILED
    except TorchmedicError as error:
        print(f"torchmedic: {error.say(options.lang)}", file=sys.stderr)
        return BAD_USAGE
    return status


def _command(name: str | None) -> Callable[[argparse.Namespace], int]:
    command: Callable[[argparse.Namespace], int]
    match name:
        case "ask":
            from expert.cli.ask import ask as command
        case "check":
            from expert.cli.check import check as command
        case "clinic":
            from expert.cli.clinic import clinic as command
        case "demo":
            from expert.cli.demo import demo as command
        case "explain":
            from expert.cli.explain import explain as command
        case "log":
            from expert.cli.log import log as command
        case "run":
            from expert.cli.run import run as command
        case "mcp":
            from expert.cli.mcp import mcp as command
        case "rules":
            from expert.cli.rules import rules as command
        case "serve":
            from expert.cli.serve import serve as command
        case "try":
            from expert.cli.try_ import try_ as command
        case _:
            from expert.cli.interactive import interactive as command
    return command
