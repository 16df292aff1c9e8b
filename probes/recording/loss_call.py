"""What loss functions were given: seen as they are called, whatever way the user calls them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from probes.recording import ops
from probes.recording.graph import LastOp, last_op
from probes.recording.operation import Call
from probes.recording.tracing import Tracer

Shape = tuple[int, ...]
Broadcast = tuple[Shape, Shape, Shape]  # prediction, target, what came of it

_PAIRING_LOSSES: Final = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "soft_margin_loss"}
)


@dataclass(frozen=True, slots=True)
class LossCall:
    """One call of a loss function.

    `input`, `target`: detached. `last`: the last value-changing operation before the input.
    `learned`: the input depends on a parameter. `options`: the other arguments that were given.
    """

    function: str
    input: Tensor
    target: Tensor
    reduction: str | None
    last: LastOp
    learned: bool
    inside: bool
    options: Mapping[str, Any]


class LossListener:
    """Collect loss calls and broadcasts between predictions and targets from a tracer."""

    def __init__(self, target_shape: Shape | None) -> None:
        self.calls: list[LossCall] = []
        self.broadcasts: list[Broadcast] = []
        self._target_shape = target_shape

    def __call__(self, call: Call, tracer: Tracer) -> None:
        """Take note of one torch function call."""
        if call.name in ops.LOSSES:
            self._loss(call, tracer)
        paired = call.name in ops.ELEMENTWISE_PAIRS or call.name in _PAIRING_LOSSES
        if paired and not tracer.inside:
            self._broadcast(call, tracer)

    def _loss(self, call: Call, tracer: Tracer) -> None:
        arguments = _bound(call)
        given = arguments.pop("input", None)
        target = arguments.pop("target", None)
        if given is None or target is None:  # several inputs: take what comes first
            tensors = call.tensors
            given, target = (tensors[0], tensors[-1]) if len(tensors) > 1 else (None, None)
        if not isinstance(given, Tensor) or not isinstance(target, Tensor):
            return
        last = last_op(given) if given.grad_fn is not None else tracer.last_op(given)
        self.calls.append(
            LossCall(
                function=call.name,
                input=given.detach(),
                target=target.detach(),
                reduction=arguments.pop("reduction", "mean"),
                last=last,
                learned=tracer.seen(given).learned,
                inside=tracer.inside,
                options=arguments,
            )
        )

    def _broadcast(self, call: Call, tracer: Tracer) -> None:
        pair = call.tensors[:2]
        if len(pair) < 2 or pair[0].shape == pair[1].shape:
            return
        seen = [tracer.seen(tensor) for tensor in pair]
        active = [entry.learned and entry.data for entry in seen]
        if sum(active) != 1:
            return
        prediction, other = pair if active[0] else (pair[1], pair[0])
        of_the_batch = seen[1 if active[0] else 0].data
        found = (tuple(prediction.shape), tuple(other.shape), _joint(prediction, other))
        if of_the_batch and self._by_mistake(*found) and found not in self.broadcasts:
            self.broadcasts.append(found)

    def _by_mistake(self, prediction: Shape, other: Shape, joint: Shape) -> bool:
        """Return whether values were paired that do not belong together: more came out than in.

        Pairwise differences made on purpose (N,1 with 1,N) have equally many dimensions.
        """
        size, *sizes = (torch.Size(shape).numel() for shape in (joint, prediction, other))
        if size <= max(sizes):
            return False
        same_values = sizes[0] == sizes[1] and len(prediction) != len(other)
        return same_values or other == self._target_shape


def _joint(first: Tensor, second: Tensor) -> Shape:
    joint = torch.broadcast_shapes(first.shape, second.shape)  # type: ignore[no-untyped-call]
    return tuple(joint)


@cache
def _signature(func: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(func)
    except (TypeError, ValueError):
        return None


def _bound(call: Call) -> dict[str, Any]:
    """Return the call's arguments by name; only those that were given and are not None."""
    signature = _signature(call.func)
    if signature is None:
        names = ("input", "target")
        return {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    found = signature.bind(*call.args, **call.kwargs).arguments
    return {name: value for name, value in found.items() if value is not None}
