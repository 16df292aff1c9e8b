"""Tensors as they were: values, storage, class, gradient, requires_grad and hooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch.nn.parameter import is_lazy

_on_host: Final = ContextVar("_on_host", default=False)


@contextmanager
def copies_on_host(wanted: bool) -> Iterator[None]:
    """Keep the copies that are made inside in the host's memory, not on the device."""
    token = _on_host.set(wanted)
    try:
        yield
    finally:
        _on_host.reset(token)


class TensorState:
    """One tensor. It keeps its identity; its values are put back in place."""

    __slots__ = (
        "accumulate_hooks",
        "alias",
        "grad",
        "hooks",
        "kind",
        "leaf",
        "requires_grad",
        "saved",
        "tensor",
    )

    def __init__(self, tensor: torch.Tensor, *, with_values: bool = True) -> None:
        self.tensor = tensor
        self.kind = type(tensor)
        self.alias = tensor.data  # the same memory, with a version counter of its own
        self.leaf = tensor.is_leaf
        self.requires_grad = tensor.requires_grad
        self.grad = tensor.grad if self.leaf else None
        self.hooks: Any = tensor._backward_hooks
        self.accumulate_hooks: Any = getattr(tensor, "_post_accumulate_grad_hooks", None)
        lazy = is_lazy(tensor)
        self.saved = _values(self.alias) if with_values and not lazy else None

    def restore_frame(self) -> None:
        """Put back everything but the values."""
        tensor = self.tensor
        if not _same_memory(tensor, self.alias):
            tensor.data = self.alias
        if type(tensor) is not self.kind:
            tensor.__class__ = self.kind
        if self.leaf and not tensor.is_leaf:  # changed in place by something with a graph
            tensor.detach_()
        if self.leaf and tensor.requires_grad != self.requires_grad:
            tensor.requires_grad_(self.requires_grad)
        if self.leaf and tensor.grad is not self.grad:
            tensor.grad = self.grad
        if tensor._backward_hooks is not self.hooks:
            tensor._backward_hooks = self.hooks
        if getattr(tensor, "_post_accumulate_grad_hooks", None) is not self.accumulate_hooks:
            tensor._post_accumulate_grad_hooks = self.accumulate_hooks


def restore_tensors(states: list[TensorState]) -> None:
    """Put all of them back: values in as few device calls as possible."""
    for state in states:
        state.restore_frame()
    groups: dict[tuple[torch.device, torch.dtype], list[TensorState]] = defaultdict(list)
    with torch.no_grad():
        for state in states:
            if state.saved is None or state.alias.numel() == 0:
                continue
            if _is_plain(state.alias) and state.saved.device == state.alias.device:
                groups[state.alias.device, state.alias.dtype].append(state)
            else:
                _restore_odd(state.alias, state.saved)
        for group in groups.values():
            _copy_all([state.alias for state in group], [_kept(state) for state in group])


def _kept(state: TensorState) -> torch.Tensor:
    assert state.saved is not None
    return state.saved


def _copy_all(targets: list[torch.Tensor], sources: list[torch.Tensor]) -> None:
    try:
        torch._foreach_copy_(targets, sources)
    except (RuntimeError, AttributeError):  # private API; some tensor kinds have no fused copy
        for target, source in zip(targets, sources, strict=True):
            target.copy_(source)


def _values(alias: torch.Tensor) -> torch.Tensor:
    if _is_strided(alias) and _overlaps(alias):
        return _whole_storage(alias).clone()
    if _on_host.get() and alias.device.type != "cpu":
        return alias.cpu()
    try:
        return alias.clone()
    except torch.cuda.OutOfMemoryError:
        return alias.cpu()


def _restore_odd(alias: torch.Tensor, saved: torch.Tensor) -> None:
    if _is_strided(alias) and _overlaps(alias):
        _whole_storage(alias).copy_(saved)
    else:
        alias.copy_(saved)


def _is_strided(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_meta


def _is_plain(tensor: torch.Tensor) -> bool:
    return type(tensor) is torch.Tensor and _is_strided(tensor) and not _overlaps(tensor)


def _overlaps(tensor: torch.Tensor) -> bool:
    """Return whether several elements share one memory location (expanded tensors)."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return any(size > 1 and stride == 0 for size, stride in sizes)


def _whole_storage(tensor: torch.Tensor) -> torch.Tensor:
    flat = torch.empty(0, dtype=torch.uint8, device=tensor.device)
    return flat.set_(tensor.untyped_storage())


def _same_memory(tensor: torch.Tensor, alias: torch.Tensor) -> bool:
    if tensor.layout != torch.strided or alias.layout != torch.strided:
        return tensor.layout == alias.layout
    if is_lazy(tensor):
        return True
    return (
        tensor.dtype == alias.dtype
        and tensor.device == alias.device
        and tensor.shape == alias.shape
        and tensor.stride() == alias.stride()
        and tensor.storage_offset() == alias.storage_offset()
        and tensor.data_ptr() == alias.data_ptr()
    )
