"""Which part of a batch the user's own step compares with: seen at the loss, not guessed.

A loader may give more than inputs and targets (a transition has states, actions, rewards, ...),
and only the loss tells which of the parts is the target, if any is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from probes.case.batches import Arguments, Batch
from probes.recording.loss_call import LossCall


def compared_part(batch: Batch, calls: Iterable[LossCall]) -> int | None:
    """Return the index of the part of `batch` that is the target; -1 where no part is.

    None where the batch is no flat sequence of three tensors or more, or nothing speaks against
    the part that was taken for the target. A part is no target when the loss compares with values
    that neither equal it nor are a function of it, sample by sample.
    """
    parts, given = batch.raw, [call for call in calls if call.learned]
    if not given or not isinstance(parts, list | tuple) or len(parts) < 3:
        return None
    if not all(isinstance(part, Tensor) for part in parts):
        return None
    taken = next((i for i, part in enumerate(parts) if part is batch.targets), None)
    if taken is None or any(_follows(call.target, parts[taken]) for call in given):
        return None
    equal = [
        index for index, part in enumerate(parts) if any(_same(call.target, part) for call in given)
    ]
    return equal[0] if equal else -1


def with_target(batch: Batch, part: int) -> Batch:
    """Return the batch with that part as its target (-1: none) and its inputs as they were."""
    if not isinstance(batch.raw, list | tuple) or part >= len(batch.raw):
        return batch
    if part < 0:
        return replace(batch, targets=None)
    target, inputs = batch.raw[part], batch.inputs
    if isinstance(inputs, Arguments):
        inputs = Arguments(entry for entry in batch.raw if entry is not target)
    return replace(batch, inputs=inputs, targets=target)


def _same(target: Tensor, part: Tensor) -> bool:
    if target.numel() != part.numel() or target.is_complex() or part.is_complex():
        return False
    return bool(torch.equal(target.reshape(-1).double(), part.reshape(-1).double()))


def _follows(target: Tensor, part: Tensor) -> bool:
    """Return whether equal samples of `part` have equal targets; True where that cannot be seen."""
    if target.dim() == 0 or part.dim() == 0 or len(target) != len(part) or part.is_complex():
        return True
    rows = part.reshape(len(part), -1)
    values = target.reshape(len(target), -1).double()
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    first = torch.full((int(group.max()) + 1,), len(rows), device=group.device)
    first = first.scatter_reduce(0, group, torch.arange(len(rows), device=group.device), "amin")
    return bool(torch.isclose(values, values[first[group]], equal_nan=True).all())
