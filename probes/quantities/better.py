"""Does the loss reward better predictions? Move them towards the truth and look.

A loss with a flipped sign, or one that compares the wrong things, rises where it should fall. One
that takes the logarithm of 1 - p by hand is NaN where the prediction is as good as it can be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from probes.case.objective import apply_loss, as_loss
from probes.quantities.task import INDEX_LOSSES, class_axis, infer, loss_function, targets_of

if TYPE_CHECKING:
    from probes.running.examination import Examination

_DISTANCES: Final = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
_SEEN_AS: Final = 1e-4  # the loss of the recorded output must be the recorded loss
_CERTAIN: Final = 20.0  # a score whose sigmoid is 1.0 in float32: well-trained networks get there
_BOUNDED: Final = frozenset({"sigmoid", "hardsigmoid", "softmax"})


def better_prediction_lowers_loss(exam: Examination) -> bool | None:
    """Return whether predictions nearer to the targets have a lower loss; None when untestable.

    Only where the loss is `loss_fn(output, targets)` of one output tensor, and where it is plain
    which way is better.
    """
    output = exam.recording.output
    if exam.case.loss_fn is None or exam.case.step is not None or output is None:
        return None
    moved = _moved(exam, output.float())
    if moved is None:
        return None
    before, after = _loss(exam, output.float()), _loss(exam, moved)
    recorded = float(exam.recording.loss)
    if before is None or after is None or abs(before - recorded) > _SEEN_AS * (1 + abs(recorded)):
        return None
    if abs(after - before) <= 1e-6 * max(1.0, abs(before)):
        return None
    return after < before


def finite_when_certain(exam: Examination) -> bool | None:
    """Return whether the loss of right answers given with certainty is a number.

    None when untestable: only for labels, and where the loss of the recorded output is finite.
    """
    output, target = exam.recording.output, exam.batch.target_tensor
    if exam.case.loss_fn is None or exam.case.step is not None or output is None or target is None:
        return None
    truth = _truth(exam, output.float(), target)
    if truth is None or _loss(exam, output.float()) is None:
        return None
    scores = _CERTAIN * truth
    match exam.recording.output_last.name:
        case "softmax":
            certain = scores.softmax(class_axis(output, target))
        case "sigmoid" | "hardsigmoid":
            certain = scores.sigmoid()
        case "log_softmax" | "logsigmoid":
            return None
        case _:
            certain = scores
    value = _value(exam, certain.to(output.dtype))
    return None if value is None else math.isfinite(value)


def _truth(exam: Examination, output: Tensor, target: Tensor) -> Tensor | None:
    """Return the labels in the shape of the output: 1 for yes, -1 for no."""
    if output.numel() == 0:
        return None
    kind = infer(exam).kind
    if kind in ("binary", "multi-label") and target.shape == output.shape:
        return 2.0 * target.float() - 1.0 if bool(((target == 0) | (target == 1)).all()) else None
    if kind == "class-index" and not target.is_floating_point():
        return None if (hot := _one_hot(exam, output, target)) is None else 2.0 * hot - 1.0
    return None


def _loss(exam: Examination, output: Tensor) -> float | None:
    value = _value(exam, output)
    return value if value is not None and math.isfinite(value) else None


def _value(exam: Examination, output: Tensor) -> float | None:
    try:
        with torch.no_grad():
            return float(as_loss(apply_loss(exam.case, output, exam.batch), "loss_fn"))
    except Exception:  # it takes more than the output tensor
        return None


def _moved(exam: Examination, output: Tensor) -> Tensor | None:
    target = exam.batch.target_tensor
    if target is None or output.numel() == 0 or not bool(torch.isfinite(output).all()):
        return None
    kind = infer(exam).kind
    if kind == "class-index" and not target.is_floating_point():
        return _towards_class(exam, output, target)
    if target.shape != output.shape or not bool(torch.isfinite(target).all()):
        return None
    if kind in ("binary", "multi-label"):
        return _towards_label(exam, output, target.float())
    return _towards_value(exam, output, target.float()) if kind in ("continuous", "input") else None


def _towards_class(exam: Examination, output: Tensor, target: Tensor) -> Tensor | None:
    truth = _one_hot(exam, output, target)
    if truth is None:
        return None
    last = exam.recording.output_last.name
    if last == "softmax":
        return output + 0.3 * (truth - output)
    raised = output + _step(output) * truth
    return raised.log_softmax(class_axis(output, target)) if last == "log_softmax" else raised


def _one_hot(exam: Examination, output: Tensor, target: Tensor) -> Tensor | None:
    """Return the classes as 0 and 1 in the shape of the output, if that has one per class."""
    if output.dim() < 2 or not _names_classes(exam, output, target):
        return None
    axis = class_axis(output, target)
    expected = (*output.shape[:axis], *output.shape[axis + 1 :])
    if tuple(target.shape) != expected or not _within(target, output.shape[axis]):
        return None
    return F.one_hot(target.clamp(min=0).long(), output.shape[axis]).movedim(-1, axis).float()


def _names_classes(exam: Examination, output: Tensor, target: Tensor) -> bool:
    """Return whether the outputs are one per class, not an embedding."""
    call = exam.recording.loss_call
    if call is not None and call.options.get("label_smoothing"):
        return False  # confident predictions are worse there
    if loss_function(exam) in INDEX_LOSSES:
        return True
    classes = output.shape[class_axis(output, target)]
    largest = max(int(entry.max()) for entry in targets_of(exam) if entry.numel())
    return classes in (exam.case.num_classes, largest + 1)


def _within(target: Tensor, classes: int) -> bool:
    return bool((target < classes).all()) and bool((target >= 0).all())


def _towards_label(exam: Examination, output: Tensor, target: Tensor) -> Tensor:
    bounded = exam.recording.output_last.name in _BOUNDED
    if bounded or loss_function(exam) == "binary_cross_entropy":
        return output + 0.3 * (target - output)
    return output + _step(output) * (2.0 * target - 1.0)


def _towards_value(exam: Examination, output: Tensor, target: Tensor) -> Tensor | None:
    call = exam.recording.loss_call
    if call is not None and call.function not in _DISTANCES:
        return None  # a likelihood whose parameter is not the value itself
    counts = bool(((target >= 0) & (target == target.round())).all())
    if call is None and counts:
        return None  # perhaps a Poisson likelihood of a log rate
    return output + 0.5 * (target - output)


def _step(output: Tensor) -> Tensor:
    return output.std(correction=0).clamp(min=0.1)
