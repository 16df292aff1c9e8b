"""What the autograd graph tells: the last operation that changed values, and the leaves.

Functional and module style leave the same graph, so a softmax is seen however it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from probes.recording.ops import ACTIVATIONS, words


@dataclass(frozen=True, slots=True)
class LastOp:
    """The last value-changing operation before a tensor.

    `name`: an activation's, another value-bounding function's ("exp", "abs", "square", ...), or
    "none" (a linear map, arithmetic). `low`, `high`: the range it can reach, None where unbounded.
    `axis`: of a softmax, counted as in the graph (None where there is none). `of`: the operation
    whose result a softmax was taken of, where that is known.
    """

    name: str = "none"
    low: float | None = None
    high: float | None = None
    axis: int | None = None
    of: str | None = None


NONE: Final = LastOp()
RANGES: Final[dict[str, tuple[float | None, float | None]]] = {
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "log_softmax": (None, 0.0),
    "logsigmoid": (None, 0.0),
    "softplus": (0.0, None),
    "exp": (0.0, None),
    "sqrt": (0.0, None),
    "abs": (0.0, None),
    "square": (0.0, None),
    "sin": (-1.0, 1.0),
    "cos": (-1.0, 1.0),
    "gelu": (-0.17, None),
    "silu": (-0.2785, None),
    "mish": (-0.3089, None),
    "hardswish": (-0.375, None),
}

_MOVING: Final = words(
    "View UnsafeView ReshapeAlias Reshape Squeeze Unsqueeze Slice Select T Transpose Permute "
    "Expand Clone ToCopy Alias Index IndexSelect AsStrided CopyBackwards Split SplitWithSizes "
    "Unbind Narrow Gather Flip Roll Repeat Unfold Movedim MaskedSelect Diagonal Contiguous"
)
_NAMES: Final = {
    "LogSigmoid": "logsigmoid",
    "LogSoftmax": "log_softmax",
    "LeakyRelu": "leaky_relu",
    "PreluKernel": "prelu",
    "RreluWithNoise": "rrelu",
    "HardtanhBackward": "hardtanh",
    "SafeSoftmax": "softmax",
    "Clip": "clamp",
    "ClampMin": "clamp",
    "ClampMax": "clamp",
    "Log": "log",
}
_MAX_BRANCHES = 64


def last_op(tensor: Tensor) -> LastOp:
    """Return the last value-changing operation before `tensor`; NONE without a graph."""
    return _walk(tensor.grad_fn)


def _walk(node: Any) -> LastOp:
    while node is not None:
        kind = _kind(node)
        if kind in ("Cat", "Stack"):
            return _agreed(node)
        if kind not in _MOVING:
            return _named(node, kind)
        node = node.next_functions[0][0] if node.next_functions else None
    return NONE


def _agreed(node: Any) -> LastOp:
    """Return what all joined branches end in, NONE when they differ."""
    branches = [entry[0] for entry in node.next_functions[:_MAX_BRANCHES]]
    found = {_walk(branch) for branch in branches}
    return found.pop() if len(found) == 1 else NONE


def _kind(node: Any) -> str:
    name = node.name().rpartition("::")[2]
    return str(name) if name == "CopyBackwards" else name.partition("Backward")[0].lstrip("_")


def _named(node: Any, kind: str) -> LastOp:
    name = _NAMES.get(kind, _snake(kind))
    if name == "softmax" or name == "log_softmax":
        low, high = RANGES[name]
        before = node.next_functions[0][0] if node.next_functions else None
        return LastOp(name, low, high, _axis(node), _walk(before).name)
    if name in ("clamp", "hardtanh", "threshold"):
        return _clamped(node, name)
    if name == "elu":
        return _elu(node)
    if name == "pow":
        return LastOp("square", 0.0) if getattr(node, "_saved_exponent", None) == 2 else NONE
    if name in RANGES or name in ACTIVATIONS:
        low, high = RANGES.get(name, (None, None))
        return LastOp(name, low, high)
    return LastOp("log") if name == "log" else NONE


def clamped(name: str, low: float | None, high: float | None) -> LastOp:
    """Return a clamping operation under the name its bounds deserve."""
    if low == 0 and high is None:
        return LastOp("relu", 0.0)
    if low == 0 and high == 6:
        return LastOp("relu6", 0.0, 6.0)
    return LastOp(name, low, high)


def _clamped(node: Any, name: str) -> LastOp:
    if name == "threshold":  # F.relu and relu_ of old graphs too
        return clamped("threshold", _saved(node, "_saved_threshold"), None)
    low = _saved(node, "_saved_min", "_saved_min_val")
    return clamped(name, low, _saved(node, "_saved_max", "_saved_max_val"))


def _elu(node: Any) -> LastOp:
    alpha, scale = _saved(node, "_saved_alpha"), _saved(node, "_saved_scale")
    low = -(1.0 if alpha is None else alpha) * (1.0 if scale is None else scale)
    return LastOp("elu" if scale in (None, 1.0) else "selu", low)


def _saved(node: Any, *names: str) -> float | None:
    for name in names:
        value = getattr(node, name, None)
        if isinstance(value, int | float):
            return float(value)
    return None


def _axis(node: Any) -> int | None:
    raw = getattr(node, "_saved_dim", None)
    if not isinstance(raw, int):
        return None
    return raw - 2**64 if raw >= 2**63 else raw  # autograd keeps -1 as an unsigned number


def _snake(kind: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in kind).strip("_")


def leaves(loss: Tensor) -> list[Tensor]:
    """Return the leaf tensors that the graph of `loss` gives gradients to."""
    return [node.variable for node in _nodes(loss.grad_fn) if hasattr(node, "variable")]


def user_functions(loss: Tensor) -> tuple[type[torch.autograd.Function], ...]:
    """Return the autograd functions in the graph of `loss` that are not PyTorch's own."""
    kinds = [type(node) for node in _nodes(loss.grad_fn)]
    forward = [getattr(kind, "_forward_cls", None) for kind in dict.fromkeys(kinds)]
    return tuple(
        entry
        for entry in forward
        if entry is not None and entry.__module__.partition(".")[0] != "torch"
    )


def _nodes(root: Any) -> Iterator[Any]:
    seen: set[Any] = set()
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        waiting += [entry[0] for entry in node.next_functions if entry[0] is not None]


def has_graph(tensor: object) -> bool:
    """Return whether gradients can flow back from `tensor`."""
    return isinstance(tensor, torch.Tensor) and tensor.requires_grad
