"""Where a diagnosis goes: the terminal, and the files of --json, --html, --markdown, ..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from expert.cli.targets import is_writable_place
from expert.diagnosis import Diagnosis
from expert.errors import UsageError
from expert.report.formats import FORMATS, written
from expert.report.text_report import print_diagnosis

STANDARD_OUTPUT = "-"


def report(diagnosis: Diagnosis, options: argparse.Namespace) -> int:
    """Print the diagnosis, write it where the options say, and return the exit status.

    A format that is sent to standard output takes the place of the text.
    """
    write_others(diagnosis, options)  # first: whoever reads the text may go away (`| head`)
    targets = _targets(options)
    if STANDARD_OUTPUT not in targets.values():
        print_diagnosis(diagnosis, Console(highlight=False), options.lang)
    for format_, target in targets.items():
        if target == STANDARD_OUTPUT:
            sys.stdout.write(written(diagnosis, format_, options.lang))
            sys.stdout.flush()
    return 1 if diagnosis.findings else 0


def write_others(diagnosis: Diagnosis, options: argparse.Namespace, *but: str) -> None:
    """Write the diagnosis in the formats that were asked for, but for those written elsewhere."""
    for format_, target in _targets(options).items():
        if format_ not in but and target != STANDARD_OUTPUT:
            text = written(diagnosis, format_, options.lang)
            Path(target).write_text(text, encoding="utf-8")


def writes_files(options: argparse.Namespace) -> bool:
    """Whether any format was asked for."""
    return bool(_targets(options))


def takes_standard_output(options: argparse.Namespace) -> bool:
    """Whether standard output is for one of the formats alone."""
    return STANDARD_OUTPUT in _targets(options).values()


def refuse_unwritable(options: argparse.Namespace) -> None:
    """Raise UsageError before a long examination if its result could not be written."""
    targets = list(_targets(options).values())
    if targets.count(STANDARD_OUTPUT) > 1:
        raise UsageError(
            en="only one format can go to standard output (-); give the others a file",
            zh="只有一种格式可以写到标准输出（-）；请为其他格式指定文件",
        )
    for target in targets:
        if target != STANDARD_OUTPUT and not is_writable_place(target):
            raise UsageError(
                en=f"cannot write {target}: it is a folder, or its folder does not exist",
                zh=f"无法写入 {target}：它是文件夹，或其所在文件夹不存在",
            )


def _targets(options: argparse.Namespace) -> dict[str, str]:
    given = {format_: getattr(options, format_, None) for format_ in FORMATS}
    return {format_: target for format_, target in given.items() if isinstance(target, str)}
