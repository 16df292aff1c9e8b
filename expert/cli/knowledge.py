"""The knowledge that a command works with: that of all packs found."""

from __future__ import annotations

import argparse
import sys
import threading
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from expert.knowledge.base import Knowledge
from expert.knowledge.found import load_found
from expert.language import Language, Text

_SHOWN_AFTER_S = 1.0


def knowledge_for(options: argparse.Namespace) -> Knowledge:
    """Return the built-in knowledge with the packs that are found, and those of `--rules`."""

    def warn(warning: Text) -> None:
        print(f"torchmedic: {warning.get(options.lang)}", file=sys.stderr)

    with LoadingBar(Console(stderr=True), options.lang) as bar:
        return load_found(*options.rules, on_warning=warn, on_progress=bar.update)


class LoadingBar:
    """A bar that appears on a terminal when reading takes longer than a second."""

    def __init__(self, console: Console, language: Language) -> None:
        title = {"en": "Reading the rules", "zh": "正在读取规则"}[language]
        columns = TextColumn(title, markup=False), BarColumn()
        self.bar = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self.task = self.bar.add_task("", total=1.0)
        in_front = threading.current_thread() is threading.main_thread()  # not below the interface
        self.is_wanted = console.is_terminal and in_front
        self.began = self.drawn = time.monotonic()

    def __enter__(self) -> LoadingBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:  # stopping one that was never drawn prints an empty line
            self.bar.stop()

    def update(self, share: float) -> None:
        """Note that this share (0 to 1) of the reading is done."""
        now = time.monotonic()
        if not self.is_wanted or now - self.began < _SHOWN_AFTER_S or now - self.drawn < 0.1:
            return
        self.drawn = now
        self.bar.start()
        self.bar.update(self.task, completed=share, refresh=True)
