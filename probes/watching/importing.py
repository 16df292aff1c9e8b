"""Acting at the moment at which the script imports torch, and loading our own modules meanwhile.

Torch is not imported for the script: what it sets before (OMP_NUM_THREADS, CUDA_VISIBLE_DEVICES,
warning filters) must count as it would without us, and a script that needs no torch should not
wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from probes.case.user_imports import OUR_NAMES, users_first
from probes.watching.transparent import hidden

_ROOT: Final = str(Path(__file__).resolve().parents[2])


class Curtain:
    """While it is drawn, our modules are hidden from the script; `ours` opens it for a moment."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def draw(self) -> None:
        """Hide our modules."""
        self._stack.enter_context(users_first())

    def lift(self) -> None:
        """Show them again."""
        self._stack.close()

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Let imports inside find our modules, whatever the script has loaded under our names."""
        theirs = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in OUR_NAMES}
        self.lift()
        sys.path.insert(0, _ROOT)
        try:
            yield
        finally:
            sys.path.remove(_ROOT)
            self.draw()
            sys.modules.update(theirs)


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
