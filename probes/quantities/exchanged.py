"""A model that is given the samples in their right order, while the loss sees them turned by one.

What the loss compares the answers with then belongs to other samples, also where the inputs are
their own targets, as in autoencoders.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from probes.case.batches import map_tensors


@contextmanager
def turned_back(model: nn.Module, size: int) -> Iterator[None]:
    """Turn back, by one sample, the tensors of `size` rows that enter the model from outside.

    Only where no other module of the model is at work, and only what has no gradient yet: data, not
    what the model has made of them.
    """
    inside = 0

    def back(tensor: Tensor) -> Tensor:
        ours = tensor.dim() and tensor.shape[0] == size and not tensor.requires_grad
        return tensor.roll(-1, 0) if ours else tensor

    def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
        nonlocal inside
        inside += 1
        return (map_tensors(args, back), map_tensors(kwargs, back)) if inside == 1 else None

    def leave(module: nn.Module, args: Any, result: Any) -> None:
        nonlocal inside
        inside -= 1

    with ExitStack() as stack:
        for module in model.modules():
            stack.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
            stack.callback(module.register_forward_hook(leave, always_call=True).remove)
        yield
