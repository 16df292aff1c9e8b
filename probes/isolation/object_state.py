"""Containers, objects, generators and files as they were: shallow, and put back in place."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from types import CellType, FunctionType
from typing import Any, Protocol

import numpy as np
import torch


class State(Protocol):
    """Something that can be put back to how it was when it was remembered."""

    def restore(self) -> None:
        """Put it back."""


class DictState:
    """The entries of a dict, in order. Also attributes: `obj.__dict__`."""

    __slots__ = ("holder", "kind", "saved")

    def __init__(self, holder: dict[Any, Any]) -> None:
        self.holder = holder
        # OrderedDict keeps an order of its own; other subclasses may override what we need.
        self.kind: Any = OrderedDict if isinstance(holder, OrderedDict) else dict
        self.saved = list(self.kind.items(holder))

    def restore(self) -> None:
        """Put it back."""
        if self._is_unchanged():
            return
        self.kind.clear(self.holder)
        for key, value in self.saved:
            self.kind.__setitem__(self.holder, key, value)

    def _is_unchanged(self) -> bool:
        if len(self.holder) != len(self.saved):
            return False
        now = self.kind.items(self.holder)
        return all(
            key is old_key and value is old
            for (key, value), (old_key, old) in zip(now, self.saved, strict=True)
        )


class SequenceState:
    """The items of a list, deque or bytearray."""

    __slots__ = ("holder", "saved")

    def __init__(self, holder: list[Any] | deque[Any] | bytearray) -> None:
        self.holder: Any = holder
        self.saved = list(holder)

    def restore(self) -> None:
        """Put it back."""
        kind: Any = next(k for k in (list, deque, bytearray) if isinstance(self.holder, k))
        same = len(self.holder) == len(self.saved) and all(
            now is old for now, old in zip(kind.__iter__(self.holder), self.saved, strict=True)
        )
        if not same:
            kind.clear(self.holder)
            kind.extend(self.holder, self.saved)


class SetState:
    """The members of a set."""

    __slots__ = ("holder", "saved")

    def __init__(self, holder: set[Any]) -> None:
        self.holder = holder
        self.saved = frozenset(holder)

    def restore(self) -> None:
        """Put it back."""
        if self.holder != self.saved:
            set.clear(self.holder)
            set.update(self.holder, self.saved)


class ObjectState:
    """Which class an object has and which dict holds its attributes (see DictState), and slots."""

    __slots__ = ("attributes", "kind", "obj", "slots")

    def __init__(self, obj: object, attributes: dict[str, Any] | None) -> None:
        self.obj = obj
        self.kind = type(obj)
        self.attributes = attributes
        self.slots = slots_of(obj)

    def restore(self) -> None:
        """Put it back."""
        if type(self.obj) is not self.kind:  # lazy modules change their class
            self.obj.__class__ = self.kind
        if self.attributes is not None and self.obj.__dict__ is not self.attributes:
            self.obj.__dict__ = self.attributes
        now = slots_of(self.obj) if self.slots else {}
        for name, value in self.slots.items():
            if name not in now or now[name] is not value:
                object.__setattr__(self.obj, name, value)


class NamesState:
    """Some attributes of a class, or some global names of a module."""

    __slots__ = ("owner", "saved")

    def __init__(self, owner: type | dict[str, Any], saved: dict[str, Any]) -> None:
        self.owner = owner
        self.saved = saved

    def restore(self) -> None:
        """Put it back."""
        for name, value in self.saved.items():
            if isinstance(self.owner, dict):
                self.owner[name] = value
            elif self.owner.__dict__.get(name) is not value:
                setattr(self.owner, name, value)


class CellState:
    """A variable that a function closes over."""

    __slots__ = ("cell", "empty", "saved")

    def __init__(self, cell: CellType) -> None:
        self.cell = cell
        self.saved, self.empty = content_of(cell)

    def restore(self) -> None:
        """Put it back."""
        if self.empty:
            del self.cell.cell_contents
        else:
            self.cell.cell_contents = self.saved


class ArrayState:
    """The values of a numpy array."""

    __slots__ = ("array", "saved")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.saved = array.copy()

    def restore(self) -> None:
        """Put it back."""
        if self.array.flags.writeable:
            self.array[...] = self.saved


class RandomState:
    """A random generator of Python, NumPy or torch."""

    __slots__ = ("generator", "saved")

    def __init__(self, generator: Any) -> None:
        self.generator = generator
        self.saved = self._state()

    def _state(self) -> Any:
        if isinstance(self.generator, random.Random):
            return self.generator.getstate()
        if isinstance(self.generator, np.random.Generator):
            return self.generator.bit_generator.state
        if isinstance(self.generator, np.random.BitGenerator):
            return self.generator.state
        return self.generator.get_state()  # np.random.RandomState, torch.Generator

    def restore(self) -> None:
        """Put it back."""
        if isinstance(self.generator, random.Random):
            self.generator.setstate(self.saved)
        elif isinstance(self.generator, np.random.Generator):
            self.generator.bit_generator.state = self.saved
        elif isinstance(self.generator, np.random.BitGenerator):
            self.generator.state = self.saved
        else:
            self.generator.set_state(self.saved)


RANDOM_GENERATORS = (
    random.Random,
    np.random.Generator,
    np.random.BitGenerator,
    np.random.RandomState,
    torch.Generator,
)


class FileState:
    """The position in an open file."""

    __slots__ = ("file", "position")

    def __init__(self, file: Any) -> None:
        self.file = file
        self.position = file.tell()

    def restore(self) -> None:
        """Put it back."""
        if not self.file.closed and self.file.tell() != self.position:
            self.file.seek(self.position)


def slots_of(obj: object) -> dict[str, Any]:
    """Return the values of an object's `__slots__`."""
    values: dict[str, Any] = {}
    for kind in type(obj).__mro__:
        names = kind.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else tuple(names):
            if name not in ("__dict__", "__weakref__"):
                try:
                    values[name] = object.__getattribute__(obj, name)
                except AttributeError:  # a slot never set, or a private name
                    continue
    return values


def content_of(cell: CellType) -> tuple[Any, bool]:
    """Return what a closure cell holds, and whether it is empty."""
    try:
        return cell.cell_contents, False
    except ValueError:
        return None, True


def global_names(function: FunctionType) -> set[str]:
    """Return the global names that a function (or a function inside it) uses."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes.extend(part for part in code.co_consts if isinstance(part, type(code)))
    return names & function.__globals__.keys()
