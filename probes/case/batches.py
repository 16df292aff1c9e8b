"""A batch: which part is input, which is target, and how the model is called with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from probes.case.forward_signature import Signature, signature_of
from probes.case.nested import Arguments, all_arrays, as_arrays, map_tensors, tensors_in

__all__ = [
    "TARGET_KEYS",
    "Arguments",
    "Batch",
    "call_model",
    "cut",
    "lined_up",
    "map_tensors",
    "move",
    "take_apart",
    "take_apart_like",
    "tensors_in",
]

TARGET_KEYS: Final = ("labels", "label", "target", "targets", "y")
_INPUT_KEYS: Final = ("input", "inputs", "x", "data", "image", "images", "features")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, taken apart.

    `inputs` is a tensor, Arguments (several positional arguments), a dict (keyword arguments), or
    whatever else the loader gives; `targets` is None when there are none; `raw` has the loader's
    own structure; `size` is the number of samples; `arrays`: the loader gives numpy arrays.
    """

    inputs: Any
    targets: Any
    raw: Any
    size: int
    arrays: bool = False

    @property
    def input_tensor(self) -> torch.Tensor | None:
        """Return the first floating-point input tensor, else the first tensor, else None."""
        tensors = list(tensors_in(self.inputs))
        floating = (tensor for tensor in tensors if tensor.is_floating_point())
        return next(floating, tensors[0] if tensors else None)

    @property
    def target_tensor(self) -> torch.Tensor | None:
        """Return the first target tensor, or None."""
        return next(tensors_in(self.targets), None)

    @property
    def has_tensors(self) -> bool:
        """Return whether there is any tensor at all."""
        return _holds_tensor(self.raw)

    def fresh(self) -> Batch:
        """Return a copy whose tensors may be changed in place."""
        return take_apart_like(self, map_tensors(self.raw, torch.clone))

    def for_step(self) -> Any:
        """Return what the user's `step` gets: the batch as the loader gives it, a copy."""
        fresh = self.fresh().raw
        return as_arrays(fresh) if self.arrays else fresh


def take_apart(raw: Any, model: nn.Module | None = None) -> Batch:
    """Return what the loader gave as a Batch; `model` settles structures that are ambiguous.

    Two-part batches are (inputs, targets); a lone tensor is its own target (autoencoder); dicts
    and objects have their targets under one of TARGET_KEYS. Numeric numpy arrays become tensors.
    """
    arrays = all_arrays(raw)
    raw = map_tensors(raw, lambda tensor: tensor)
    signature = signature_of(model) if model is not None else Signature.unknown()
    inputs, targets = _split(raw, signature)
    return Batch(inputs, targets, raw, _size_of(inputs, targets), arrays)


def _split(raw: Any, signature: Signature) -> tuple[Any, Any]:
    if isinstance(raw, torch.Tensor):
        return raw, raw
    if isinstance(raw, Mapping):
        return _split_mapping(raw, signature)
    if isinstance(raw, list | tuple) and not isinstance(raw, PackedSequence):
        return _split_sequence(raw, signature)
    key = next((key for key in TARGET_KEYS if _holds_tensor(getattr(raw, key, None))), None)
    return raw, None if key is None else getattr(raw, key)


def _split_sequence(raw: list[Any] | tuple[Any, ...], signature: Signature) -> tuple[Any, Any]:
    if not raw:
        return raw, None
    if len(raw) == 1:
        return _split(raw[0], signature)
    if len(raw) == 2 or signature.most == 1:  # (inputs, targets) and perhaps lengths, indices, ...
        return raw[0], raw[1]
    return Arguments(raw[:-1]), raw[-1]


def _split_mapping(raw: Mapping[Any, Any], signature: Signature) -> tuple[Any, Any]:
    key = next((key for key in TARGET_KEYS if key in raw), None)
    targets = None if key is None else raw[key]
    rest = {name: value for name, value in raw.items() if name != key}
    return _inputs_in(rest, signature), targets


def _inputs_in(rest: dict[Any, Any], signature: Signature) -> Any:
    if signature.accepts(rest):
        return rest
    known = {name: value for name, value in rest.items() if name in signature.names}
    if known and signature.accepts(known):
        return known
    tensors = {name: value for name, value in rest.items() if _holds_tensor(value)}
    usual = next((name for name in _INPUT_KEYS if name in tensors), None)
    if signature.least <= 1 and (usual is not None or len(tensors) == 1):
        return tensors[usual if usual is not None else next(iter(tensors))]
    if len(tensors) > 1 and signature.least <= len(tensors) <= signature.most:
        return Arguments(tensors.values())
    return rest


def _holds_tensor(structure: Any) -> bool:
    return next(tensors_in(structure), None) is not None


def _size_of(inputs: Any, targets: Any) -> int:
    for part in (targets, inputs):
        for tensor in tensors_in(part):
            if tensor.dim() > 0:
                return int(tensor.shape[0])
    return 1


def take_apart_like(batch: Batch, raw: Any) -> Batch:
    """Return `raw` (same structure as `batch.raw`) taken apart as `batch` was."""
    pairs = zip(tensors_in(batch.raw), tensors_in(raw), strict=True)
    new = {id(old): tensor for old, tensor in pairs}

    def swap(tensor: torch.Tensor) -> torch.Tensor:
        return new.get(id(tensor), tensor)

    inputs, targets = map_tensors(batch.inputs, swap), map_tensors(batch.targets, swap)
    return Batch(inputs, targets, raw, _size_of(inputs, targets), batch.arrays)


def lined_up(batch: Batch) -> bool:
    """Return whether every tensor has one row for each sample, and nothing to do with the others.

    A matrix that relates all samples to each other, as the adjacency of a graph, is no such tensor.
    """
    tensors = list(tensors_in(batch.raw))
    rows = all(tensor.dim() > 0 and tensor.shape[0] == batch.size for tensor in tensors)
    return bool(tensors) and rows and not any(_relates_rows(t, batch.size) for t in tensors)


def _relates_rows(tensor: torch.Tensor, size: int) -> bool:
    if tuple(tensor.shape) != (size, size) or size < 2:
        return False
    if tensor.layout != torch.strided:
        return True
    linked = tensor != 0
    if torch.equal(tensor, tensor.T):
        return bool((tensor != tensor[0, 0]).any())  # all alike: blank samples
    return torch.equal(linked, linked.T) and not bool(linked.all())


def cut(batch: Batch, samples: int) -> Batch:
    """Return the first `samples` samples; the batch itself when its tensors do not line up."""
    if batch.size <= samples or not lined_up(batch):
        return batch
    return take_apart_like(batch, map_tensors(batch.raw, lambda tensor: tensor[:samples]))


def move(batch: Batch, device: torch.device) -> Batch:
    """Return the batch on `device`, in tensors of its own."""

    def own(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().to(device, copy=True)

    return take_apart_like(batch, map_tensors(batch.raw, own))


def call_model(model: nn.Module, inputs: Any) -> Any:
    """Return the model's output for `inputs`, called the way their structure asks for.

    The model gets copies of the tensors: an in-place first layer leaves `inputs` as they were.
    """
    inputs = map_tensors(inputs, torch.clone)
    signature = signature_of(model)
    if isinstance(inputs, dict) and signature.accepts(inputs):
        return model(**inputs)
    if isinstance(inputs, Arguments):
        return model(*inputs)
    if isinstance(inputs, list | tuple) and not isinstance(inputs, PackedSequence):
        several = max(2, signature.least) <= len(inputs) <= signature.most
        if several and signature.least >= 2:
            return model(*inputs)
    return model(inputs)
