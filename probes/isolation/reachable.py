"""Everything mutable that can be reached from some objects, remembered so it can be put back."""

from __future__ import annotations

import functools
import io
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from probes.case.users_files import is_foreign, is_users_class, is_users_file
from probes.isolation.object_state import (
    RANDOM_GENERATORS,
    ArrayState,
    CellState,
    DictState,
    FileState,
    NamesState,
    ObjectState,
    RandomState,
    SequenceState,
    SetState,
    State,
    content_of,
    global_names,
    slots_of,
)
from probes.isolation.tensor_state import TensorState, restore_tensors

MAX_OBJECTS: Final = 100_000
MAX_CHILDREN: Final = 10_000  # of one container that are looked into
LARGE_ITEMS: Final = 100_000  # a container with more is put back only with the bulk
LARGE_BYTES: Final = 1 << 20
DATA_BYTES: Final = 512 << 20  # of arrays and data sets held in memory, all together

_ATOMS: Final[frozenset[type]] = frozenset(
    {bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice}
    | {torch.dtype, torch.device, torch.Size, torch.layout, BuiltinFunctionType}
)
_PLAIN_CONTAINERS: Final = frozenset({dict, OrderedDict, defaultdict, list, deque, set, bytearray})
_SKIPPED_PACKAGES: Final = frozenset(
    {"_thread", "asyncio", "concurrent", "ctypes", "enum", "functools", "importlib", "inspect"}
    | {"logging", "multiprocessing", "pathlib", "queue", "re", "threading", "types", "weakref"}
)
_SKIPPED_PREFIXES: Final = ("torch._dynamo", "torch._inductor", "torch._C", "torch.distributed")


class Memory:
    """What was reachable, in the state it had.

    `small` states are cheap to put back; `bulk` holds large containers and data held in memory.
    """

    def __init__(self) -> None:
        self.small: list[State] = []
        self.bulk: list[State] = []
        self.tensors: list[TensorState] = []
        self.bulk_tensors: list[TensorState] = []
        self.loaders: list[DataLoader[Any]] = []

    def restore(self, *, bulk: bool) -> None:
        """Put everything back, going on where one fails; raises the first failure at the end."""
        failures: list[Exception] = []
        for state in [*self.small, *(self.bulk if bulk else ())]:
            try:
                state.restore()
            except Exception as error:
                failures.append(error)
        try:
            restore_tensors([*self.tensors, *(self.bulk_tensors if bulk else ())])
        except Exception as error:
            failures.append(error)
        if failures:
            raise failures[0]


class Explorer:
    """Walks from roots to everything mutable, breadth first, each object once.

    One explorer fills several memories in turn: what one has remembered the next leaves out.
    """

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}  # keeps the objects alive, so ids stay theirs
        self._data_bytes = DATA_BYTES

    def remember(self, roots: Iterable[object], *, data: bool, foreign: bool = True) -> Memory:
        """Return a memory of what the roots reach.

        `data`: large tensors belong to data sets (put back with the bulk, up to a limit), not to
        the model. `foreign`: also look into objects of libraries other than torch and NumPy;
        functions reach loggers and progress bars, whose threads would not bear being put back.
        """
        memory = Memory()
        waiting = deque(roots)
        left = MAX_OBJECTS
        while waiting and left:
            obj = waiting.popleft()
            if type(obj) in _ATOMS or id(obj) in self._seen:
                continue
            left -= 1
            self._seen[id(obj)] = obj
            if foreign or not is_foreign(obj):
                waiting.extend(islice(self._visit(obj, memory, data), MAX_CHILDREN))
        return memory

    def _visit(self, obj: Any, memory: Memory, data: bool) -> Iterator[object]:
        """Remember one object and yield what it holds."""
        if isinstance(obj, torch.Tensor):
            return self._visit_tensor(obj, memory, data)
        for kind, visit in _VISITS:
            if isinstance(obj, kind):
                return visit(obj, memory)
        if isinstance(obj, np.ndarray):
            return self._visit_array(obj, memory)
        if _is_skipped(obj):
            return iter(())
        return _visit_object(obj, memory)

    def _visit_tensor(self, tensor: torch.Tensor, memory: Memory, data: bool) -> Iterator[object]:
        large = data and tensor.numel() * tensor.element_size() > LARGE_BYTES
        fits = not large or self._reserve(tensor.numel() * tensor.element_size())
        state = TensorState(tensor, with_values=fits)
        (memory.bulk_tensors if large else memory.tensors).append(state)
        yield from (state.grad, state.hooks, state.accumulate_hooks)
        yield tensor.__dict__

    def _visit_array(self, array: np.ndarray[Any, Any], memory: Memory) -> Iterator[object]:
        if array.dtype.hasobject:
            yield from islice(array.flat, MAX_CHILDREN)
        if array.flags.writeable and self._reserve(array.nbytes):
            large = array.nbytes > LARGE_BYTES
            (memory.bulk if large else memory.small).append(ArrayState(array))

    def _reserve(self, size: int) -> bool:
        if size > self._data_bytes:
            return False
        self._data_bytes -= size
        return True


def _visit_dict(holder: dict[Any, Any], memory: Memory) -> Iterator[object]:
    _keep(DictState(holder), len(holder), memory)
    yield from dict.keys(holder)
    yield from dict.values(holder)
    yield from _attributes(holder, memory)


def _visit_sequence(holder: Any, memory: Memory) -> Iterator[object]:
    _keep(SequenceState(holder), len(holder), memory)
    if not isinstance(holder, bytearray):
        yield from holder
        yield from _attributes(holder, memory)


def _visit_set(holder: set[Any], memory: Memory) -> Iterator[object]:
    _keep(SetState(holder), len(holder), memory)
    yield from holder


def _visit_tuple(holder: Any, memory: Memory) -> Iterator[object]:
    yield from holder


def _visit_random(generator: object, memory: Memory) -> Iterator[object]:
    memory.small.append(RandomState(generator))
    return iter(())


def _visit_file(file: Any, memory: Memory) -> Iterator[object]:
    try:
        # Going back in a file that is written to would overwrite what was printed meanwhile.
        if not file.closed and file.seekable() and not file.writable():
            memory.small.append(FileState(file))
    except (OSError, ValueError):  # a stream without a position
        pass
    return iter(())


def _visit_cell(cell: CellType, memory: Memory) -> Iterator[object]:
    memory.small.append(CellState(cell))
    yield content_of(cell)[0]


def _visit_function(function: FunctionType, memory: Memory) -> Iterator[object]:
    if not is_users_file(function.__code__.co_filename):
        yield from function.__closure__ or ()
        return
    yield from (function.__dict__, function.__defaults__, function.__kwdefaults__)
    yield from function.__closure__ or ()
    names = {
        name: function.__globals__[name]
        for name in global_names(function)
        if not isinstance(function.__globals__[name], ModuleType)
    }
    if names:
        memory.small.append(NamesState(function.__globals__, names))
        yield from names.values()


def _visit_method(method: MethodType, memory: Memory) -> Iterator[object]:
    yield from (method.__self__, method.__func__)


def _visit_partial(part: functools.partial[Any], memory: Memory) -> Iterator[object]:
    yield from (part.func, part.args, part.keywords, part.__dict__)


def _visit_class(kind: type, memory: Memory) -> Iterator[object]:
    """Remember plain attributes of the user's own classes (counters), and what methods use."""
    if not is_users_class(kind):
        return
    plain: dict[str, Any] = {}
    for name, value in vars(kind).items():
        if isinstance(value, FunctionType):
            yield value
        elif not (name.startswith("__") or callable(value) or hasattr(value, "__get__")):
            plain[name] = value
    if plain:
        memory.small.append(NamesState(kind, plain))
        yield from plain.values()


def _visit_nothing(obj: object, memory: Memory) -> Iterator[object]:
    return iter(())


def _visit_object(obj: object, memory: Memory) -> Iterator[object]:
    if isinstance(obj, DataLoader):
        memory.loaders.append(obj)
    yield from _attributes(obj, memory)
    yield from type(obj).__mro__[:-1]


def _attributes(obj: object, memory: Memory) -> Iterator[object]:
    if type(obj) in _PLAIN_CONTAINERS:  # modules hold a dozen OrderedDicts each
        return
    try:
        attributes = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        attributes = None
    if not isinstance(attributes, dict):
        attributes = None
    slots = slots_of(obj)
    if attributes is None and not slots:
        return
    memory.small.append(ObjectState(obj, attributes))
    yield attributes
    yield from slots.values()


_VISITS: Final[tuple[tuple[Any, Callable[[Any, Memory], Iterator[object]]], ...]] = (
    ((nn.Module,), _visit_object),
    ((dict,), _visit_dict),
    ((list, deque, bytearray), _visit_sequence),
    ((set,), _visit_set),
    ((tuple, frozenset), _visit_tuple),
    (RANDOM_GENERATORS, _visit_random),
    ((type,), _visit_class),
    ((FunctionType,), _visit_function),
    ((MethodType,), _visit_method),
    ((CellType,), _visit_cell),
    ((functools.partial,), _visit_partial),
    ((io.IOBase,), _visit_file),
    ((ModuleType, _BaseDataLoaderIter), _visit_nothing),
)


def _keep(state: State, items: int, memory: Memory) -> None:
    (memory.bulk if items > LARGE_ITEMS else memory.small).append(state)


def _is_skipped(obj: object) -> bool:
    module = str(getattr(type(obj), "__module__", ""))
    return module.split(".")[0] in _SKIPPED_PACKAGES or module.startswith(_SKIPPED_PREFIXES)
