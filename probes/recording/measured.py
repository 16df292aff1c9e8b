"""What is kept of a layer's output: a few small tensors on its device, never the output itself.

Taken the moment the output exists, so that in-place layers after it cannot change what was seen,
and read in one transfer for all layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from probes.recording.ops import RECTIFIERS

MOST_VALUES: Final = 2**18  # of an output, spread over the batch, from which moments are taken
# Where the derivative is below 5 % of its maximum: s(1-s) < 0.05/4 and 1-t^2 < 0.05.
_ENDS: Final = {
    "sigmoid": (0.012658, 0.987342),
    "tanh": (-0.974679, 0.974679),
    "hardsigmoid": (1e-6, 1.0 - 1e-6),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Statistics of one output, on its device.

    `moments`: float32 (mean, std, finite: 1.0 or 0.0, saturated share or -1), None where they were
    not asked for. `alive`: for rectifiers, which units were not 0 somewhere in the batch.
    """

    moments: Tensor | None
    alive: Tensor | None = None


def measured(
    name: str, output: Tensor, units: int | None, bounds: tuple[float | None, float | None]
) -> Measured | None:
    """Return the statistics of `output`, or None when it holds nothing to measure.

    `units`: the axis of the units (channels); None leaves dead units out.
    """
    if not output.is_floating_point() or output.numel() == 0 or output.layout != torch.strided:
        return None
    with torch.no_grad():
        seen = _fewer(output.detach())
        var, mean = torch.var_mean(seen.float(), correction=0)
        # A single NaN or Inf spoils a sum, so all of the output is asked in one pass.
        finite = torch.isfinite(output.sum(dtype=torch.float32)) & torch.isfinite(var)
        moments = torch.stack([mean, var.sqrt(), finite.float(), _saturated(name, seen, bounds)])
        return Measured(moments, living(name, output, units))


def living_only(
    name: str, output: Tensor, units: int | None, bounds: tuple[float | None, float | None]
) -> Measured | None:
    """Return which units live, and nothing else."""
    usable = output.is_floating_point() and output.numel() and output.layout == torch.strided
    alive = living(name, output, units) if usable else None
    return None if alive is None else Measured(None, alive)


def living(name: str, output: Tensor, units: int | None) -> Tensor | None:
    """Return which units of a rectifier's output are not 0 somewhere, None for other functions."""
    if name not in RECTIFIERS or units is None or output.dim() < 2:
        return None
    others = [axis for axis in range(output.dim()) if axis != units % output.dim()]
    return output.detach().amax(dim=others) != 0  # never negative; NaN counts as alive


def _fewer(output: Tensor) -> Tensor:
    """Return some of the values where there are many, every so many-th sample (or row)."""
    if output.numel() <= MOST_VALUES or output.dim() == 0:
        return output
    if output.shape[0] == 1 and output.dim() > 1:
        return _fewer(output[0])
    kept = max(1, output.shape[0] * MOST_VALUES // output.numel())
    return output[:: -(-output.shape[0] // kept)]


def _saturated(name: str, output: Tensor, bounds: tuple[float | None, float | None]) -> Tensor:
    low, high = _ENDS.get(name, bounds if name == "hardtanh" else (None, None))
    if low is None or high is None:
        return output.new_full((), -1.0, dtype=torch.float32)
    if name == "hardtanh":
        return ((output <= low) | (output >= high)).float().mean()
    return ((output < low) | (output > high)).float().mean()


def read(statistics: Sequence[Measured]) -> list[list[float]]:
    """Return the moments of all of `statistics` in one transfer per device."""
    found = [entry.moments for entry in statistics if entry.moments is not None]
    if not found:
        return []
    rows = [moments.to(found[0].device) for moments in found]
    return [[float(value) for value in row] for row in torch.stack(rows).tolist()]
