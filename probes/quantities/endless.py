"""Can a constant answer lower the loss without end? Then the loss does not ask for right answers.

Every loss that compares with the targets has a best constant answer, also the likelihoods of
densities that fall without bound for answers that fit exactly: one constant cannot fit targets that
differ. A lost sign has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from probes.quantities.chance import mean_loss_of_constants

if TYPE_CHECKING:
    from probes.running.examination import Examination

STEPS: Final = 24  # each twice as long as the one before
FIRST: Final = 0.1  # of the outputs' size, or of 1 where that is larger
FALL: Final = 1000.0  # times the loss at the start: as far as no loss falls that has an end


def constant_falls_without_end(exam: Examination) -> bool | None:
    """Return whether a constant answer, moved ever further, lowers the loss ever more.

    None where that cannot be asked: the loss takes more than one output tensor and its targets, the
    targets are all alike, or the outputs are bounded, so that a constant may not go everywhere.
    """
    last = exam.recording.output_last
    if last.low is not None or last.high is not None:
        return None
    found = mean_loss_of_constants(exam)
    if found is None:
        return None
    mean_loss, output = found
    row = output.mean(0)
    if not row.is_floating_point() or not bool(torch.isfinite(row).all()):
        return None
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        return _descends(mean_loss, row, FIRST * max(1.0, float(output.abs().max())))


def _descends(mean_loss: Callable[[Tensor], Tensor], row: Tensor, length: float) -> bool | None:
    start = None
    for _ in range(STEPS):
        free = row.clone().requires_grad_()
        try:
            loss = mean_loss(free)
            (slope,) = torch.autograd.grad(loss, free)
        except Exception:  # the user's loss does not take a constant prediction
            return None
        value = float(loss.detach())
        start = value if start is None else start
        if not math.isfinite(value) or not bool(torch.isfinite(slope).all()):
            return False
        if value < start - FALL * (1.0 + abs(start)):
            return True
        row = row - length * slope.sign()
        length *= 2.0
    return False
