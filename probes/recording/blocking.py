"""Which observed operations let no gradient through and keep parameters from learning.

Two kinds: *flat* ones (round, sign, comparisons, argmax, a clamp at its bounds) whose derivative is
zero or does not exist, and *cuts* (detach, .data, no_grad, a new tensor made of values).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from probes.recording import ops
from probes.recording.operation import Block, Call, Op

if TYPE_CHECKING:
    from probes.recording.recording import Recording

_ALL_CLIPPED: Final = 0.999  # of a clamp's values


def blocking(call: Call, outputs: Sequence[Tensor]) -> Block | None:
    """Return why no gradient passes this call, None where one does or none was wanted."""
    if not any(tensor.requires_grad for tensor in call.tensors):
        return None
    if any(output.requires_grad for output in outputs):
        return "flat" if call.name in ops.FLAT else None
    cut = call.name in ops.CUTTING or not torch.is_grad_enabled()
    return "cut" if cut else "flat"


def clipped_share(call: Call, given: Tensor) -> Tensor | None:
    """Return the share of values at or beyond a clamp's bounds, on the device."""
    low, high = ops.bounds(call.func, call.args, call.kwargs)
    if not given.requires_grad or (low is None and high is None):
        return None
    with torch.no_grad():
        below = given <= low if low is not None else torch.zeros_like(given, dtype=torch.bool)
        return (below | (given >= high) if high is not None else below).float().mean()


def blocked(recording: Recording, untrained: Collection[str]) -> dict[Block, tuple[str, ...]]:
    """Return where gradients end although parameters lie before: {"flat": places, "cut": places}.

    `untrained`: names of the parameters that want a gradient and got none, or zero. An operation is
    to blame when such parameters reach the loss through it and by no way that carries gradients: a
    straight-through estimator and an argmax for the accuracy are not.
    """
    trace = [_with_clipped(op) for op in recording.ops]
    ends = [] if recording.loss_made_by is None else [recording.loss_made_by]
    trained = {name for op in _open_way(trace, ends) for name in op.parameters}
    lost = set(untrained) - trained
    found: dict[Block, list[str]] = {"flat": [], "cut": []}
    exported = [entry.made_by for entry in recording.exports]
    for op in _upstream(trace, [*ends, *exported]):
        if op.blocks is not None and _loses(op, trace, lost):
            found[op.blocks].append(_place(op))
    found["flat"] += [_place(op) for op in trace if _flattens_weights(op, untrained)]
    for entry in recording.exports:
        if not found["cut"] and _loses(trace[entry.made_by], trace, lost):
            found["cut"].append(entry.where)
    return {kind: tuple(dict.fromkeys(places)) for kind, places in found.items()}


def _with_clipped(op: Op) -> Op:
    stuck = op.clipped is not None and float(op.clipped) >= _ALL_CLIPPED
    return replace(op, blocks="flat") if stuck and op.blocks is None else op


def _open_way(trace: Sequence[Op], ends: Sequence[int]) -> list[Op]:
    """Return the operations that gradients of `ends` reach and pass."""
    return [op for op in _upstream(trace, ends, through_blocks=False) if op.blocks is None]


def _upstream(
    trace: Sequence[Op], ends: Sequence[int], *, through_blocks: bool = True
) -> Iterator[Op]:
    waiting, seen = list(ends), set(ends)
    while waiting:
        op = trace[waiting.pop()]
        yield op
        if op.blocks is not None and not through_blocks:
            continue
        new = [index for index in op.inputs if index >= 0 and index not in seen]
        seen.update(new)
        waiting += new


def _loses(op: Op, trace: Sequence[Op], lost: Collection[str]) -> bool:
    return any(
        name in lost for before in _upstream(trace, [op.index]) for name in before.parameters
    )


def _flattens_weights(op: Op, untrained: Collection[str]) -> bool:
    """Return whether it is a flat operation on weights alone: quantised, and never learning."""
    return op.blocks == "flat" and bool(op.made_of) and set(op.made_of) <= set(untrained)


def _place(op: Op) -> str:
    return op.where if op.inside else f"loss:{op.name}"
