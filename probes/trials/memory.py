"""Whether there is memory for a trial's copies: on the device, else on the host, else not at all.

A trial keeps one copy of everything trained for each examination it opens, so that all is put back.
Training itself needs room as well: gradients, and the optimizer's moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from probes.case.case import Case
from probes.isolation.tensor_state import copies_on_host
from probes.training.short_training import Unsuitable

ON_DEVICE: Final = 0.5  # of the device's free memory: copies that need more are kept on the host
_STATES: Final = 3.0  # times the parameters: gradients and two moments
_GIB: Final = 1 << 30


def held_bytes(case: Case) -> int:
    """Return the size of all that a training changes: parameters, buffers, optimizer state."""
    tensors = [*case.model.parameters(), *case.model.buffers()]
    for optimizer in case.optimizers:
        for state in optimizer.state.values():
            tensors += [value for value in state.values() if isinstance(value, torch.Tensor)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def free_bytes(device: torch.device) -> int | None:
    """Return the memory that is free on a device or, for the CPU, here; None where unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return _host_free() if device.type == "cpu" else None


def _host_free() -> int | None:
    known = [size for size in (_available(), _cgroup_left()) if size is not None]
    return min(known, default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(found.split()[1]) * 1024 if found else None


def _cgroup_left() -> int | None:
    """Return what a container may still take; None without a limit."""
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text(encoding="ascii").strip()
        used = int((root / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return max(int(limit) - used, 0) if limit.isdigit() else None


@contextmanager
def room_for(case: Case, copies: int, limit: int | None = None) -> Iterator[None]:
    """Make sure of memory for a training of the case with so many copies of its state.

    Copies are kept on the host where the device is too small for them. `limit`: bytes that may be
    taken on each instead of what is free. Raises Unsuitable, with the sizes, without room.
    """
    held, device = held_bytes(case), case.device()
    room = free_bytes(device) if limit is None else limit
    host = device.type == "cpu"
    training, kept = int(_STATES * held), copies * held
    move = not host and room is not None and training + kept > ON_DEVICE * room
    _need(training + (0 if move else kept), room)
    if move:
        _need(kept, _host_free() if limit is None else limit)
    with copies_on_host(move):
        yield


def _need(size: int, room: int | None) -> None:
    if room is None or size <= room:
        return
    needed, free = size / _GIB, room / _GIB
    raise Unsuitable(
        en=f"copies of the model need about {needed:.3g} GiB of memory and {free:.3g} GiB are free",
        zh=f"模型的副本约需 {needed:.3g} GiB 内存，而可用的只有 {free:.3g} GiB",
    )
