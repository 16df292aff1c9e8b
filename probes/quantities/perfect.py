"""The loss of a perfect prediction: not 0 where the targets are soft."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from probes.case.objective import as_loss

if TYPE_CHECKING:
    from probes.running.examination import Examination

_EDGE: Final = 1e-6

# What to predict for a target under each loss that is not 0 at prediction = target.
_PREDICTIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "binary_cross_entropy": lambda target: target.clamp(0.0, 1.0),
    "binary_cross_entropy_with_logits": lambda t: torch.logit(t.clamp(_EDGE, 1 - _EDGE)),
    "cross_entropy": lambda target: target.clamp(min=_EDGE).log(),
}


def perfect_loss(exam: Examination, target: Tensor | None, function: str | None) -> float:
    """Return the loss when the prediction is the (floating-point) target itself; else 0."""
    predict = _PREDICTIONS.get(function or "")
    usable = target is not None and target.is_floating_point()
    if predict is None or target is None or not usable or exam.case.loss_fn is None:
        return 0.0
    try:
        with torch.no_grad():
            value = float(as_loss(exam.case.loss_fn(predict(target), target), "loss_fn"))
    except Exception:  # the user's loss wants another shape than the target's
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0
