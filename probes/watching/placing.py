"""Putting our wrappers where torch's functions are, and where the user's modules hold them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any

from probes.case.users_files import is_users_file


def put(stack: ExitStack, owner: Any, name: str, wrapper: Any) -> None:
    """Set `owner.name` to `wrapper` until `stack` closes.

    A function of a module is replaced, too, in the user's modules that have imported it by name
    (`from torch.nn.functional import cross_entropy`).
    """
    original = vars(owner)[name]
    places = [(owner, name)]
    if isinstance(owner, ModuleType):
        places += _imported(original)
    for place, known_as in places:
        setattr(place, known_as, wrapper)
        stack.callback(_put_back, place, known_as, wrapper, original)


def _put_back(place: Any, name: str, wrapper: Any, original: Any) -> None:
    if vars(place).get(name) is wrapper:  # else somebody has put another thing there meanwhile
        setattr(place, name, original)


def _imported(function: Any) -> Iterator[tuple[ModuleType, str]]:
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType) or not _is_users(module):
            continue
        for name, value in list(vars(module).items()):
            if value is function:
                yield module, name


def _is_users(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ == "__main__"
    return is_users_file(file)
