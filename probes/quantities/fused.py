"""Norms of many tensors at once: a few device calls, one transfer, whatever they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

_SURE: Final = (1e-15, 1e15)  # between them no square leaves float32's range


def norms(tensors: Sequence[Tensor]) -> list[float]:
    """Return the 2-norm of each tensor (0.0 for an empty one), in one transfer per device.

    Real and complex, half and double, sparse and dense. Computed in float32; what may have under-
    or overflowed there once more in float64, where the device has it.
    """
    plain = [_plain(tensor) for tensor in tensors]
    found = _norms(plain, torch.float32)
    again = _doubtful(plain, found)
    for index, value in zip(again, _norms([plain[i] for i in again], torch.float64), strict=True):
        found[index] = value
    return found


def _doubtful(plain: Sequence[Tensor], found: Sequence[float]) -> list[int]:
    """Return whose squares may have left float32's range; what is 0 all over has not."""
    wide = [tensor.device.type != "mps" and tensor.numel() > 0 for tensor in plain]
    zero = [index for index, value in enumerate(found) if wide[index] and value == 0]
    some = _together([plain[index].any() for index in zero])
    low, high = _SURE
    odd = [i for i, v in enumerate(found) if wide[i] and v != 0 and (v < low or v > high)]
    return odd + [index for index, anything in zip(zero, some, strict=True) if anything]


def _norms(plain: Sequence[Tensor], wide: torch.dtype) -> list[float]:
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for index, tensor in enumerate(plain):
        if tensor.numel():  # the fused kernel has no norm of nothing
            groups.setdefault((tensor.device, tensor.dtype), []).append(index)
    order = [index for members in groups.values() for index in members]
    fused = [
        value
        for (_, kind), members in groups.items()
        for value in torch._foreach_norm(
            [plain[index] for index in members], 2, dtype=torch.promote_types(kind, wide)
        )
    ]
    found = [0.0] * len(plain)
    for index, value in zip(order, _together(fused), strict=True):
        found[index] = value
    return found


def _together(values: Sequence[Tensor]) -> list[float]:
    """Return single numbers in their order, in one transfer per device."""
    devices = {value.device for value in values}
    found = {
        device: iter(torch.stack([v for v in values if v.device == device]).tolist())
        for device in devices
    }
    return [float(next(found[value.device])) for value in values]


def _plain(tensor: Tensor) -> Tensor:
    """Return real, dense values that have the same norm."""
    values = tensor.detach()
    if values.is_sparse:
        values = values.coalesce().values()
    elif values.layout != torch.strided:
        values = values.to_dense()
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
