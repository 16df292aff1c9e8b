"""`torchmedic --print-completion SHELL`: completion for a shell, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

import shtab

_FILES: Final = ("FILE", "FILE|-", "FILE.py:FUNC", "DIAGNOSIS.json", "PATH", "SCRIPT.py ARGS")


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script that makes `shell` complete commands, options, choices and file names."""
    for action in _actions(parser):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "FOLDER":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the actions of a parser and of all its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
