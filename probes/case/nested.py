"""Tensors in nested structures: find them, and change them keeping the structure."""

from __future__ import annotations

import copy
import dataclasses
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

Change = Callable[[torch.Tensor], torch.Tensor]


class Arguments(tuple[Any, ...]):
    """Inputs that are several positional arguments of the model."""

    __slots__ = ()


def tensors_in(structure: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of a nested structure, depth first."""
    if isinstance(structure, torch.Tensor):
        yield structure
        return
    if isinstance(structure, PackedSequence):
        yield structure.data
        return
    for part in _parts(structure):
        yield from tensors_in(part)


def _parts(structure: Any) -> list[Any]:
    if isinstance(structure, Mapping):
        return list(structure.values())
    if isinstance(structure, list | tuple):
        return list(structure)
    if _is_graph(structure):
        return list(structure.to_dict().values())
    if _is_record(structure):
        return list(vars(structure).values())
    return []


def map_tensors(structure: Any, change: Change) -> Any:
    """Return the structure with `change` applied to its tensors.

    Lists, tuples, dicts, Hugging Face batches, dataclasses, packed sequences and objects with a
    `to` method keep their kind; numeric numpy arrays become tensors.
    """
    if isinstance(structure, torch.Tensor):
        return change(structure)
    if isinstance(structure, np.ndarray):
        return _from_numpy(structure, change)
    if isinstance(structure, PackedSequence):
        return structure._replace(data=change(structure.data))
    if isinstance(structure, Mapping):
        return _map_mapping(structure, change)
    if isinstance(structure, list | tuple):
        return _map_sequence(structure, change)
    if _is_graph(structure):
        return copy.copy(structure).apply(change)
    if not _is_record(structure):
        return structure
    return _with_fields(structure, lambda value: map_tensors(value, change))


def all_arrays(structure: Any) -> bool:
    """Return whether there are numeric numpy arrays in the structure, and no tensors."""
    return {isinstance(leaf, np.ndarray) for leaf in _leaves(structure)} == {True}


def _leaves(structure: Any) -> Iterator[Any]:
    """Yield tensors and numeric arrays, depth first."""
    array = isinstance(structure, np.ndarray) and structure.dtype.kind in "biufc"
    if array or isinstance(structure, torch.Tensor | PackedSequence):
        yield structure
        return
    for part in _parts(structure):
        yield from _leaves(part)


def as_arrays(structure: Any) -> Any:
    """Return the structure with numpy arrays in the place of its tensors."""
    if isinstance(structure, torch.Tensor):
        return structure.detach().cpu().numpy()
    if isinstance(structure, Mapping):
        return _with_values(structure, {key: as_arrays(v) for key, v in structure.items()})
    if isinstance(structure, list | tuple):
        return _with_items(structure, [as_arrays(value) for value in structure])
    return _with_fields(structure, as_arrays) if _is_record(structure) else structure


def _from_numpy(array: np.ndarray[Any, Any], change: Change) -> Any:
    if array.dtype.kind not in "biufc":
        return array
    try:
        return change(torch.from_numpy(np.array(array)))
    except TypeError:  # a number type that torch does not have
        return array


def _map_mapping(structure: Mapping[Any, Any], change: Change) -> Any:
    return _with_values(structure, {k: map_tensors(v, change) for k, v in structure.items()})


def _with_values(structure: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    if type(structure) is dict:
        return values
    new: Any = copy.copy(structure)
    try:
        if isinstance(new, UserDict):  # Hugging Face BatchEncoding
            new.data = values
        else:
            new.update(values)
    except Exception:  # a mapping that cannot be changed
        return values
    return new


def _map_sequence(structure: list[Any] | tuple[Any, ...], change: Change) -> Any:
    return _with_items(structure, [map_tensors(value, change) for value in structure])


def _with_items(structure: list[Any] | tuple[Any, ...], values: list[Any]) -> Any:
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*values)
    if isinstance(structure, Arguments):
        return Arguments(values)
    return tuple(values) if isinstance(structure, tuple) else values


def _with_fields(structure: Any, change: Callable[[Any], Any]) -> Any:
    new = copy.copy(structure)
    for name, value in vars(structure).items():
        object.__setattr__(new, name, change(value))
    return new


def _is_graph(structure: Any) -> bool:
    """Return whether it is a PyTorch Geometric batch or one that behaves as such."""
    methods = ("to", "apply", "to_dict")
    return not isinstance(structure, type | nn.Module) and all(
        callable(getattr(structure, name, None)) for name in methods
    )


def _is_record(structure: Any) -> bool:
    """Return whether it is an object made to carry tensors: a dataclass, or one that can move."""
    if isinstance(structure, type | nn.Module) or not hasattr(structure, "__dict__"):
        return False
    return dataclasses.is_dataclass(structure) or callable(getattr(structure, "to", None))
