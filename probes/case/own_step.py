"""A user's `step` that goes backward and updates by itself, with all of that taken out.

What is left is the loss it would have gone backward from, with its graph: what a step that
leaves the rest to torchmedic returns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

Step = Callable[[nn.Module, Any], Any]


def without_updates(step: Step, model: nn.Module, raw: Any, steppers: list[Any]) -> Any:
    """Return the sum of the losses that `step` goes backward from, else what it returns.

    `steppers` (optimizers, schedulers) do not step meanwhile. What the user's code raises once it
    has gone backward (there are no gradients to clip, say) is passed over.
    """
    seen: list[Tensor] = []

    def note(tensors: Any, *args: Any, **kwargs: Any) -> None:
        given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        seen.extend(tensor.reshape(()) for tensor in given if tensor.numel() == 1)

    with ExitStack() as stack:
        replace(stack, torch.autograd, "backward", note)
        _rest(stack, steppers)
        try:
            result = step(model, raw)
        except Exception:
            if not seen:
                raise
            result = None
    return sum(seen[1:], seen[0]) if seen else result


def _rest(stack: ExitStack, steppers: list[Any]) -> None:
    for stepper in steppers:
        if stepper is not None and hasattr(stepper, "step"):
            replace(stack, stepper, "step", _at_rest)
    scaler = torch.amp.GradScaler
    replace(stack, scaler, "scale", lambda self, outputs: outputs)
    for name in ("unscale_", "step", "update"):
        replace(stack, scaler, name, lambda self, *args, **kwargs: None)


def _at_rest(closure: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Return what `closure` (LBFGS and its like) returns, and change nothing."""
    if not callable(closure):
        return None
    with torch.enable_grad():
        return closure()


def replace(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    """Set an attribute until the stack is left; one that was inherited is taken away again."""
    own = name in vars(owner)
    before = vars(owner).get(name)
    setattr(owner, name, value)
    stack.callback(setattr, owner, name, before) if own else stack.callback(delattr, owner, name)
