"""Which source files and classes are the user's: neither ours, nor Python's, nor installed."""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
from pathlib import Path
from typing import Final

import torch
from torch import nn

_DEMO: Final = str(Path(__file__).resolve().parents[1] / "demo") + os.sep
_KNOWN_PACKAGES: Final = frozenset(
    {
        "_io",
        "abc",
        "builtins",
        "collections",
        "functools",
        "io",
        "numpy",
        "random",
        "torch",
        "types",
    }
)


@functools.cache
def _library_roots() -> tuple[str, ...]:
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), str(Path(torch.__file__).parent)}
    probes = Path(__file__).resolve().parents[1]
    ours = (probes, probes.parent / "expert", probes.parent / "torchmedic")
    return tuple(str(path) for path in (*paths, *ours))


@functools.cache
def is_users_file(filename: str) -> bool:
    """Return whether a source file is the user's: neither ours nor Python's nor installed."""
    if filename.startswith(_DEMO):  # written as a user writes, though it ships with us
        return True
    return not filename.startswith((*_library_roots(), "<frozen", "<string"))


def is_users_class(kind: type) -> bool:
    """Return whether a class was defined in a file of the user's."""
    name = kind.__module__
    if name == "__main__":
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return name not in sys.builtin_module_names and name not in sys.modules
    return is_users_file(file)


def is_foreign(obj: object) -> bool:
    """Return whether an object's class is of a library other than Python, torch and NumPy."""
    package = type(obj).__module__.partition(".")[0]
    known = package in _KNOWN_PACKAGES or isinstance(obj, torch.Tensor | nn.Module)
    return not (known or is_users_class(type(obj)))
