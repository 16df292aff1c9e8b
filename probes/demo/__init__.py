"""The built-in broken patients, listed from their files without running them.

A patient is one file here: a script as a user writes it, whose `case()` returns the case, with its
TITLE and STORY at the top. The list reads these two as text, so that it needs no torch.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from expert.language import Text


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """A case that ships with torchmedic, and what its owner says about it."""

    id: str  # "loss-stuck-high"
    title: Text
    story: Text
    path: Path

    @property
    def spec(self) -> str:
        """The patient as `torchmedic check` takes it, FILE.py:FUNC."""
        return f"{self.path}:case"


_FILES: Final = ("loss_stuck_high", "loss_explodes", "silent_units", "new_head")


def _patient(stem: str) -> DemoPatient:
    path = Path(__file__).with_name(f"{stem}.py")
    texts = _texts(ast.parse(path.read_text(encoding="utf-8")))
    return DemoPatient(stem.replace("_", "-"), texts["TITLE"], texts["STORY"], path)


def _texts(module: ast.Module) -> dict[str, Text]:
    """Return the module's assignments of the form NAME = Text(en="...", zh="...")."""
    return {
        target.id: Text(**{k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg})
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(call := node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(call.func, ast.Name)
        if call.func.id == "Text"
    }


PATIENTS: Final[tuple[DemoPatient, ...]] = tuple(_patient(stem) for stem in _FILES)
