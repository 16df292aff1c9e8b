"""Which rectifier units live: a unit is dead where it is 0 for every sample seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from probes.case.batches import Batch
from probes.recording.measured import living_only
from probes.recording.operation import Op
from probes.recording.tracing import Tracer

if TYPE_CHECKING:
    from probes.running.examination import Examination


def living_units(exam: Examination, batch: Batch) -> dict[str, Tensor]:
    """Return, per rectifier, which units are not 0 for some sample of `batch`.

    One forward in the model's present mode; nothing else is computed.
    """
    tracer = Tracer(exam.model, measure=living_only)
    with tracer.watching():
        exam.loss_of(batch)
    return living_in(tracer.ops)


def living_in(ops: Iterable[Op]) -> dict[str, Tensor]:
    """Return, per rectifier among observed operations, which of its units live."""
    return {
        op.where: op.measured.alive
        for op in ops
        if op.measured is not None and op.measured.alive is not None
    }


def merge(alive: dict[str, Tensor], further: dict[str, Tensor]) -> None:
    """Add to `alive` the units that lived in another batch."""
    for where, units in further.items():
        if where in alive and alive[where].shape == units.shape:
            alive[where] = alive[where] | units


def dead_shares(alive: dict[str, Tensor]) -> dict[str, float]:
    """Return the share of dead units per rectifier, in one transfer."""
    if not alive:
        return {}
    device = next(iter(alive.values())).device
    shares = [1.0 - units.float().mean().to(device) for units in alive.values()]
    return dict(zip(alive, torch.stack(shares).tolist(), strict=True))
