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

MOST_VALUES: Final = 16 * 2**20  # larger outputs are measured on their first samples
# Where the derivative is below 5 % of its maximum: s(1-s) < 0.05/4 and 1-t^2 < 0.05.
_ENDS: Final = {
    "sigmoid": (0.012658, 0.987342),
    "tanh": (-0.974679, 0.974679),
    "hardsigmoid": (1e-6, 1.0 - 1e-6),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Statistics of one output, on its device.

    `moments`: float32 (mean, std, finite: 1.0 or 0.0, saturated share or -1). `alive`: for
    rectifiers, which units were not 0 somewhere in the batch; else None.
    """

    moments: Tensor
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
        finite = torch.isfinite(var)  # a single NaN or Inf spoils the variance
        moments = torch.stack([mean, var.sqrt(), finite.float(), _saturated(name, seen, bounds)])
        rectifies = name in RECTIFIERS and units is not None and seen.dim() > 1
        return Measured(moments, _alive(seen, units) if rectifies and units is not None else None)


def _fewer(output: Tensor) -> Tensor:
    if output.numel() <= MOST_VALUES or output.dim() == 0:
        return output
    return output[: max(1, output.shape[0] * MOST_VALUES // output.numel())]


def _alive(output: Tensor, units: int) -> Tensor:
    others = [axis for axis in range(output.dim()) if axis != units % output.dim()]
    return (output != 0).any(dim=others[0]) if len(others) == 1 else _any_over(output, others)


def _any_over(output: Tensor, axes: Sequence[int]) -> Tensor:
    return output.abs().amax(dim=list(axes)) != 0  # NaN counts as alive


def _saturated(name: str, output: Tensor, bounds: tuple[float | None, float | None]) -> Tensor:
    low, high = _ENDS.get(name, bounds if name == "hardtanh" else (None, None))
    if low is None or high is None:
        return output.new_full((), -1.0, dtype=torch.float32)
    if name == "hardtanh":
        return ((output <= low) | (output >= high)).float().mean()
    return ((output < low) | (output > high)).float().mean()


def read(statistics: Sequence[Measured]) -> list[list[float]]:
    """Return the moments of all of `statistics` in one transfer per device."""
    if not statistics:
        return []
    device = statistics[0].moments.device
    rows = [entry.moments.to(device) for entry in statistics]
    return [[float(value) for value in row] for row in torch.stack(rows).tolist()]
