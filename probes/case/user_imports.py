"""The user's imports find the user's modules, even ones called expert, probes or knowledge.

While `users_first()` is active our own modules are out of `sys.modules`. An import of one of our
names finds the user's module when there is one on the path, and ours again when there is none
(a case file may say `from probes import Case`). Our modules are all loaded by then and hold what
they need of each other, so none of them notices.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

OUR_NAMES: Final = ("expert", "probes", "knowledge")
_OUR_ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def users_first() -> Iterator[None]:
    """Let imports of our names find the user's modules first. Does nothing when already active."""
    if any(isinstance(finder, _UsersFirst) for finder in sys.meta_path):
        yield
        return
    ours = _loaded()
    finder = _UsersFirst(ours)
    _unload(ours)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _unload(_loaded())
        sys.modules.update(ours)


def _loaded() -> dict[str, ModuleType]:
    return {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] in OUR_NAMES
    }


def _unload(modules: dict[str, ModuleType]) -> None:
    for name in modules:
        sys.modules.pop(name, None)


class _UsersFirst(MetaPathFinder):
    """Finds the user's module of one of our names, else ours, already loaded."""

    def __init__(self, ours: dict[str, ModuleType]) -> None:
        self._ours = ours

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, dot, _ = fullname.partition(".")
        if top not in OUR_NAMES:
            return None
        if not dot:
            theirs = _find_theirs(fullname)
            if theirs is not None:
                return theirs
        elif sys.modules.get(top) is not self._ours.get(top):
            return None  # inside the user's own package
        ours = self._ours.get(fullname)
        return None if ours is None else ModuleSpec(fullname, _Loaded(ours))


class _Loaded(Loader):
    """Gives a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put its own there


def _find_theirs(name: str) -> ModuleSpec | None:
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != _OUR_ROOT]
    spec = PathFinder.find_spec(name, elsewhere)
    if spec is None:
        return None
    if spec.loader is None or spec.origin is None:  # a folder without __init__.py
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        return spec if any(_has_python(folder) for folder in folders) else None
    return None if Path(spec.origin).resolve().is_relative_to(_OUR_ROOT / name) else spec


def _has_python(folder: Path) -> bool:
    return next(folder.rglob("*.py"), None) is not None
