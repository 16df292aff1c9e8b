"""Numbers on their way from the device to us, without making anyone wait.

On the CPU a number is read at once. Elsewhere it is copied asynchronously and taken in once the
copy is known to be done, or at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor

Take = Callable[[list[float]], None]
_MOST_WAITING: Final = 256
_WHOLE: Final = (Tensor, torch.nn.Parameter)


class Readings:
    """Vectors that are being copied, with whom to tell."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Tensor, Any, Take]] = deque()

    def read(self, values: Sequence[Tensor], take: Take) -> None:
        """Give the (single-number) `values` to `take` as floats, now or later."""
        if not values:
            return
        home = next((v.device for v in values if v.device.type != "cpu"), values[0].device)
        flat = [value.detach().reshape(()).to(home, torch.float32) for value in values]
        vector = torch.stack(flat)
        if home.type == "cpu":
            take(vector.tolist())
            return
        self.drain()
        if home.type != "cuda":
            self._waiting.append((vector.cpu(), None, take))
            return
        target = torch.empty(vector.shape, dtype=torch.float32, pin_memory=True)
        target.copy_(vector, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(home))
        self._waiting.append((target, event, take))

    def drain(self, *, wait: bool = False) -> None:
        """Take in what has arrived; everything with `wait`, or where too much is on its way."""
        while self._waiting:
            vector, event, take = self._waiting[0]
            if event is not None and not event.query():
                if not wait and len(self._waiting) < _MOST_WAITING:
                    return
                event.synchronize()
            self._waiting.popleft()
            take(vector.tolist())


def capturing(tensor: Tensor) -> bool:
    """Return whether a CUDA graph is being captured: nothing may be read then."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def local(tensor: Tensor) -> Tensor:
    """Return this rank's part of a distributed tensor; other tensors as they are."""
    to_local = getattr(tensor, "to_local", None)
    return to_local() if to_local is not None else tensor


def is_sharded(tensor: Tensor) -> bool:
    """Return whether ranks hold parts of the tensor: reading it whole would make them talk."""
    return type(tensor) not in _WHOLE and hasattr(tensor, "to_local")


def norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the 2-norm of each tensor in float32, fused per device and number type.

    Zero for empty, integer and sparse-empty tensors.
    """
    found: list[Tensor] = [torch.zeros(()) for _ in tensors]
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    plain = [local(tensor.detach()) for tensor in tensors]
    for index, tensor in enumerate(plain):
        if tensor.layout != torch.strided:
            tensor = tensor.coalesce().values()
        if tensor.is_complex():
            tensor = torch.view_as_real(tensor)
        plain[index] = tensor
        if tensor.numel() and tensor.is_floating_point():
            groups.setdefault((tensor.device, tensor.dtype), []).append(index)
    for (_, kind), members in groups.items():
        wide = None if kind == torch.float64 else torch.float32  # half precision overflows
        values = torch._foreach_norm([plain[i] for i in members], 2, dtype=wide)
        for index, value in zip(members, values, strict=True):
            found[index] = value
    return found
