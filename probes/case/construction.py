"""Where in the user's code models, layers, optimizers and loaders are built.

While the user's file and function run, the constructors of torch's base classes note the line of
the user's that called them; nothing else about them changes.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, Final

import torch
from torch import nn
from torch.utils.data import DataLoader

from probes.case.case import Case
from probes.case.users_files import is_users_file

_WATCHED: Final[tuple[type, ...]] = (nn.Module, torch.optim.Optimizer, DataLoader)


class Constructions:
    """What was built where; places are "FILE:LINE"."""

    def __init__(self) -> None:
        self._places: dict[int, str] = {}

    def note(self, built: object, frame: FrameType | None) -> None:
        """Note that `built` is being constructed by the innermost line of the user's."""
        while frame is not None:
            own_method = frame.f_locals.get("self") is built
            if not own_method and is_users_file(frame.f_code.co_filename):
                self._places[id(built)] = f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno}"
                return
            frame = frame.f_back

    def of(self, case: Case) -> dict[str, str]:
        """Return the places of the parts: by field, and "layer:PATH" for modules of the model."""
        fields = ("model", "loss_fn", "optimizer", "train_loader", "val_loader")
        parts: dict[str, object] = {name: getattr(case, name) for name in fields}
        parts |= {f"layer:{path}": m for path, m in case.model.named_modules() if path}
        found = {name: self._place(part) for name, part in parts.items() if part is not None}
        return {name: place for name, place in found.items() if place is not None}

    def _place(self, part: object) -> str | None:
        return self._places.get(id(part)) or _definition(part)


@contextmanager
def noting_constructions() -> Iterator[Constructions]:
    """Note what is built inside the `with` block, and where."""
    seen = Constructions()
    with ExitStack() as stack:
        for kind in _WATCHED:
            stack.enter_context(_watched(kind, seen))
        yield seen


@contextmanager
def _watched(kind: Any, seen: Constructions) -> Iterator[None]:
    original = kind.__init__

    @functools.wraps(original)
    def init(self: object, *args: Any, **kwargs: Any) -> None:
        seen.note(self, sys._getframe(1))
        original(self, *args, **kwargs)

    kind.__init__ = init
    try:
        yield
    finally:
        kind.__init__ = original


def _definition(part: object) -> str | None:
    """Return where a function of the user's is defined (a loss written by hand, say)."""
    if not inspect.isfunction(part) or not is_users_file(part.__code__.co_filename):
        return None
    return f"{_shown(part.__code__.co_filename)}:{part.__code__.co_firstlineno}"


def _shown(path: str) -> str:
    """Return the path relative to the working folder where it lies below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def places_of_layers(places: Mapping[str, str]) -> dict[str, str]:
    """Return the places of the model's modules by their path."""
    return {
        name.removeprefix("layer:"): place
        for name, place in places.items()
        if name.startswith("layer:")
    }
