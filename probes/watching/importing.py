"""Acting at the moment at which the script imports torch, and loading our own modules meanwhile.

Torch is not imported for the script: what it sets before (OMP_NUM_THREADS, CUDA_VISIBLE_DEVICES,
warning filters) must count as it would without us, and a script that needs no torch should not
wait for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from probes.case.user_imports import OUR_NAMES, users_first
from probes.watching.transparent import hidden

_ROOT: Final = str(Path(__file__).resolve().parents[2])
#: What the reasoning imports, and a script may have a module of its own by that name.
_NEEDED: Final = frozenset(
    {
        "annotated_types",
        "experta",
        "frozendict",
        "markdown_it",
        "mdurl",
        "platformdirs",
        "pydantic",
        "pydantic_core",
        "pygments",
        "rich",
        "schema",
        "typing_extensions",
        "typing_inspection",
        "yaml",
    }
)


class Curtain:
    """While it is drawn, our modules are hidden from the script; `ours` opens it for a moment."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._path = [_ROOT, *sys.path]
        self._aside: dict[str, ModuleType] = {}

    def draw(self) -> None:
        """Hide our modules."""
        self._stack.enter_context(users_first())

    def lift(self) -> None:
        """Show them again."""
        self._stack.close()

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Let imports inside find our modules and what they need, whatever the script has loaded.

        Afterwards the script finds its own again, under the same names.
        """
        theirs = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in OUR_NAMES}
        users_path = list(sys.path)
        theirs |= _take_away(self._path)
        self.lift()
        sys.modules.update(self._aside)
        sys.path[:] = self._path
        try:
            yield
        finally:
            sys.path[:] = users_path
            self.draw()
            self._aside = _take_away(users_path)
            sys.modules.update(theirs)


def _take_away(path: list[str]) -> dict[str, ModuleType]:
    """Take out of `sys.modules`, of what we need, what imports along `path` would not find."""
    foreign = {name for name in _NEEDED & sys.modules.keys() if _lies_elsewhere(name, path)}
    found = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in foreign}
    for name in found:
        del sys.modules[name]
    return found


def _lies_elsewhere(name: str, path: list[str]) -> bool:
    loaded = getattr(sys.modules[name], "__file__", None)
    spec = PathFinder.find_spec(name, path)
    if loaded is None or spec is None or spec.origin is None:
        return False
    return not os.path.samefile(str(spec.origin), str(loaded))


class AfterImport(MetaPathFinder):
    """Calls `then` once, as soon as the module `name` has been imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as Python would, and wait for it."""
        if fullname != self._name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            sys.meta_path.remove(self)
            self._wait(spec.loader)
        return spec

    def _wait(self, loader: Any) -> None:
        execute, then = loader.exec_module, self._then

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            then()

        loader.exec_module = hidden(exec_module, execute)
