"""The weights of one operation, whatever way it holds them: which, of what layer, with what fans.

A kernel is a weight as a matrix of output units by inputs: a linear layer's weight as it is, a
convolution's with its receptive field among the inputs, `x @ w` turned round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from probes.recording.ops import CONVOLUTIONS, RECURRENT


@dataclass(frozen=True, slots=True)
class Kernel:
    """One weight: `matrix` (units, ...) is a view of it, never a copy.

    `fan_ins`: the ways to count inputs per unit (PyTorch counts those of a transposed convolution
    on the other side); `fan_outs` likewise.
    """

    name: str
    matrix: Tensor
    fan_ins: tuple[int, ...]
    fan_outs: tuple[int, ...]
    convolutional: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """What a weighted operation holds: its layer's name, its kernels, biases and sizes.

    `parameters`: names of the parameters that the kernels are made of. `groups` and `window` are a
    convolution's (window: its spatial kernel size, () elsewhere).
    """

    layer: str
    kernels: tuple[Kernel, ...]
    biases: tuple[Tensor, ...]
    parameters: tuple[str, ...]
    inputs: int
    width: int
    layers: int = 1
    groups: int = 1
    window: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor argument made from parameters alone, with the names of those parameters."""

    tensor: Tensor
    names: tuple[str, ...]
    position: int


def layer_name(names: Sequence[str], fallback: str) -> str:
    """Return the layer that parameters belong to: "fc1" for "fc1.weight", "w" for a bare "w"."""
    if not names:
        return fallback
    prefix, _, last = names[0].rpartition(".")
    if "parametrizations." in names[0]:
        return names[0].partition(".parametrizations.")[0]
    known = last.startswith(("weight", "in_proj", "q_proj_weight"))
    return prefix if known and prefix else names[0]


def weights_of(name: str, held: Sequence[Held], output: Tensor, groups: int, owner: str) -> Weights:
    """Return the weights of an operation called `name` whose parameter arguments are `held`."""
    matrices = [entry for entry in held if entry.tensor.dim() >= 2]
    names = tuple(dict.fromkeys(path for entry in matrices for path in entry.names))
    layer = layer_name(names, owner)
    several = len(matrices) > 1
    kernels = tuple(
        _kernel(name, entry, _title(entry, layer, several), output, groups) for entry in matrices
    )
    biases = tuple(entry.tensor for entry in held if entry.tensor.dim() == 1)
    first = matrices[0].tensor
    width, inputs = _sizes(name, kernels, output, first)
    window = tuple(first.shape[2:]) if name in CONVOLUTIONS else ()
    depth = _stacked(name, names)
    return Weights(layer, kernels, biases, names, inputs, width, depth, groups, window)


def _title(entry: Held, layer: str, several: bool) -> str:
    return entry.names[0] if several and entry.names else layer


def _sizes(name: str, kernels: Sequence[Kernel], output: Tensor, weight: Tensor) -> tuple[int, int]:
    if name in RECURRENT or name == "multi_head_attention":
        return int(output.shape[-1]), int(weight.shape[-1])
    rows = int(kernels[0].matrix.shape[0])
    if name in CONVOLUTIONS:
        return rows, int(kernels[0].matrix.shape[1])
    return int(output.shape[-1]) if output.dim() else rows, kernels[0].fan_ins[0]


def _stacked(name: str, names: Sequence[str]) -> int:
    """Return how many layers deep the operation is (stacked recurrent layers)."""
    if name not in RECURRENT:
        return 1
    inner = {path.rpartition("_l")[2].partition("_")[0] for path in names if "_ih_l" in path}
    return max(1, len(inner))


def _kernel(name: str, entry: Held, title: str, output: Tensor, groups: int) -> Kernel:
    weight = entry.tensor.detach()
    if name in CONVOLUTIONS:
        return _convolution(weight, title, groups, transposed="transpose" in name)
    if name == "matmul" and entry.position > 0:
        weight = weight.mT  # x @ w holds the output units in columns
    if name == "einsum":
        weight = _units_first(weight, int(output.shape[-1]) if output.dim() else 1)
    if name == "bilinear":
        weight = weight.flatten(1)
    if weight.dim() > 2 and name == "matmul":
        units, inputs = weight.shape[-2:]  # one matrix per expert or head
        return Kernel(title, weight.reshape(-1, inputs), (inputs,), (units,))
    units, inputs = weight.shape[0], math.prod(weight.shape[1:])
    return Kernel(title, weight, (inputs,), (units,))


def _convolution(weight: Tensor, title: str, groups: int, *, transposed: bool) -> Kernel:
    field = math.prod(weight.shape[2:])
    if transposed:  # stored as (in, out / groups, ...)
        per_unit = weight.shape[0] // groups
        outs = weight.shape[1]
        fans = tuple({per_unit * field, outs * field, per_unit})
        return Kernel(title, weight.transpose(0, 1), fans, fans, convolutional=True)
    fan_outs = (weight.shape[0] * field, weight.shape[0] * field // groups)
    return Kernel(title, weight, (weight.shape[1] * field,), fan_outs, convolutional=True)


def _units_first(weight: Tensor, units: int) -> Tensor:
    axes = [axis for axis, size in enumerate(weight.shape) if size == units]
    return weight.movedim(axes[-1], 0) if axes else weight
