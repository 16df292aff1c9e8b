"""Do weights look as an initialisation left them? Training moves them off its exact distribution.

Tried are PyTorch's default, Xavier's and He's uniform and normal distributions: nothing may lie
beyond the bound, and the Kolmogorov-Smirnov distance must be one that chance explains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

from probes.recording.kernels import Kernel

_FEWEST: Final = 64  # values, below which any distribution fits
_MOST: Final = 200_000
_CRITICAL: Final = 1.63  # Kolmogorov-Smirnov at 1 %: distance times sqrt(n)
_EDGE: Final = 1.0 + 1e-5
_REACHED: Final = 0.9  # of a uniform bound that the largest value must come near


def looks_fresh(kernel: Kernel) -> bool | None:
    """Return whether the weight has exactly a usual initial distribution; None if too small."""
    values = kernel.matrix.detach().flatten().float()
    if values.numel() < _FEWEST or not bool(torch.isfinite(values).all()):
        return None
    values = values[:: max(1, values.numel() // _MOST)].sort().values
    top = float(values.abs().max())
    if top == 0:
        return None
    uniform = any(_uniform(values, top, bound) for bound in set(_bounds(kernel)))
    return uniform or any(_normal(values, std) for std in set(_deviations(kernel)))


def _bounds(kernel: Kernel) -> Iterator[float]:
    for fan_in in kernel.fan_ins:
        yield 1.0 / math.sqrt(fan_in)  # PyTorch's default
        yield math.sqrt(6.0 / fan_in)
        for fan_out in kernel.fan_outs:
            yield math.sqrt(6.0 / (fan_in + fan_out))


def _deviations(kernel: Kernel) -> Iterator[float]:
    for fan_in in kernel.fan_ins:
        yield math.sqrt(2.0 / fan_in)
        yield math.sqrt(1.0 / fan_in)
        for fan_out in kernel.fan_outs:
            yield math.sqrt(2.0 / (fan_in + fan_out))
    if kernel.convolutional:
        yield from (math.sqrt(2.0 / fan_out) for fan_out in kernel.fan_outs)


def _uniform(ordered: Tensor, top: float, bound: float) -> bool:
    if not _REACHED * bound <= top <= _EDGE * bound:
        return False
    return _fits(ordered, (ordered / bound + 1.0) / 2.0)


def _normal(ordered: Tensor, std: float) -> bool:
    return _fits(ordered, torch.special.ndtr(ordered.double() / std).float())


def _fits(ordered: Tensor, expected: Tensor) -> bool:
    count = len(ordered)
    steps = torch.arange(1, count + 1, device=ordered.device) / count
    distance = torch.maximum((steps - expected).abs(), (expected - steps + 1.0 / count).abs()).max()
    return float(distance) * math.sqrt(count) < _CRITICAL
