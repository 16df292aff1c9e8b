"""The lowest loss that bounded inputs can reach: what a doubled softmax can never get below.

With K classes and softmaxed inputs, cross-entropy stays above ln(e + K - 1) - 1. The same bound is
found for any bounded input by giving the loss function the best input within its range.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from probes.recording.graph import LastOp
from probes.recording.loss_call import LossCall

_DISTANCES: Final = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})


def loss_floor(call: LossCall) -> float | None:
    """Return the lowest value of the captured loss for its targets, None where unbounded."""
    best = _best_input(call)
    if best is None:
        return None
    function: Any = getattr(F, call.function)
    with torch.no_grad():
        value = function(best, call.target, reduction=call.reduction, **_options(call))
    return float(value) if value.numel() == 1 else float(value.mean())


def _options(call: LossCall) -> dict[str, Any]:
    ignored = ("size_average", "reduce")  # PyTorch's old spelling of reduction
    return {name: value for name, value in call.options.items() if name not in ignored}


def _best_input(call: LossCall) -> Tensor | None:
    last = call.last
    if call.function == "cross_entropy":
        return _best_logits(call, last)
    if call.function == "binary_cross_entropy_with_logits":
        return _best_binary(call, last)
    if call.function in _DISTANCES and call.input.shape == call.target.shape:
        if last.low is None and last.high is None:
            return None
        return call.target.float().clamp(min=last.low, max=last.high)
    return None


def _best_logits(call: LossCall, last: LastOp) -> Tensor | None:
    """Return `high` at the true class and `low` elsewhere."""
    smoothed = bool(call.options.get("label_smoothing"))
    if last.low is None or last.high is None or smoothed or call.target.is_floating_point():
        return None
    axis = 1 if call.input.dim() > 1 else 0
    classes = call.input.shape[axis]
    index = torch.where(call.target == call.options.get("ignore_index", -100), 0, call.target)
    best = torch.full_like(call.input, last.low, dtype=torch.float32)
    if classes < 2 or bool(((index < 0) | (index >= classes)).any()):
        return None
    return best.scatter(axis, index.long().unsqueeze(axis), last.high)


def _best_binary(call: LossCall, last: LastOp) -> Tensor | None:
    if last.low is None or last.high is None or "pos_weight" in call.options:
        return None
    return torch.logit(call.target.float()).clamp(last.low, last.high)
