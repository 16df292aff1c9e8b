"""Treatments of the loss function: the one that fits what it is given, and class weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from expert.language import Text
from probes.case.batches import tensors_in
from probes.case.case import Case
from probes.quantities.task import class_axis, class_labels, infer, output_of, targets_of
from probes.recording.operation import Call
from probes.recording.recording import main_output
from probes.running.examination import Examination
from probes.trials.architecture import with_outputs
from probes.trials.data import over_targets
from probes.trials.rewriting import (
    AS_IT_IS,
    Origins,
    everywhere,
    given,
    in_loss,
    options,
    probable,
    with_arguments,
)
from probes.trials.trial import Trial, Unsuitable, changed

_MISFIT: Final = Unsuitable(
    en="the outputs have another shape than it needs", zh="输出的形状不符合它的要求"
)
SMOOTHING: Final = 0.1  # Szegedy and others (2016)
_TINY: Final = 1e-12
_DISTANCES: Final = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def _called(exam: Examination, names: Sequence[str]) -> None:
    """Raise Unsuitable unless one of these loss functions is called."""
    if not any(call.function in names for call in exam.recording.loss_calls):
        raise Unsuitable(en=f"the loss calls no {names[0]}", zh=f"损失没有调用 {names[0]}")


def _for_logits(exam: Examination) -> Case:
    _called(exam, ("nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"))
    origins = Origins("sigmoid")

    def rewrite(call: Call) -> Any:
        values = given(call)
        if values is None:
            return AS_IT_IS
        if call.name == "nll_loss":
            return _log_likelihood(call, values)
        if call.name == "binary_cross_entropy" and not probable(values):
            keep = options(call, "weight", "reduction")
            return F.binary_cross_entropy_with_logits(values, _target(call), **keep)
        if call.name == "binary_cross_entropy_with_logits":
            before = origins.before(values)
            return AS_IT_IS if before is None else with_arguments(call, input=before)
        return origins.note(call)

    return everywhere(exam, rewrite)


def _log_likelihood(call: Call, values: Tensor) -> Any:
    """Return the negative log-likelihood of logits or probabilities; as it is of logarithms."""
    keep = options(call, "weight", "reduction", "ignore_index")
    sums = values.detach().exp().sum(1)
    if bool((values <= 0).all()) and bool(((sums - 1).abs() < 1e-2).all()):
        return AS_IT_IS
    if probable(values) and bool(((values.detach().sum(1) - 1).abs() < 1e-2).all()):
        return F.nll_loss(values.clamp(min=_TINY).log(), _target(call), **keep)
    return F.cross_entropy(values, _target(call), **keep)


def _target(call: Call) -> Tensor:
    target: Tensor = call.kwargs["target"] if "target" in call.kwargs else call.args[1]
    return target


def _cross_entropy(exam: Examination) -> Case:
    count = _numbered_classes(exam)
    if count is not None:
        return _of_outputs_for_each(exam, count)
    _called(exam, (*_DISTANCES, "binary_cross_entropy_with_logits", "binary_cross_entropy"))
    origins = Origins("softmax", "sigmoid")

    def rewrite(call: Call) -> Any:
        values = given(call)
        if values is None or call.name not in (*_DISTANCES, "binary_cross_entropy_with_logits"):
            return origins.note(call)
        target, before = _target(call), origins.before(values)
        logits = values if before is None else before
        if logits.dim() < 2 or logits.shape[1] < 2:
            raise _MISFIT
        if target.shape == logits.shape:
            return F.cross_entropy(logits, target.to(logits.dtype))
        return F.cross_entropy(logits, target.long().reshape(logits.shape[0]))

    return everywhere(exam, rewrite)


def _numbered_classes(exam: Examination) -> int | None:
    """Return how many classes there are where one output is to give the number of the class."""
    output, targets = output_of(exam), targets_of(exam)
    if output is None or output.numel() != exam.batch.size or not targets:
        return None
    every = torch.cat([target.reshape(-1) for target in targets])
    low, high = int(every.min()), int(every.max())
    whole = bool((every == every.round()).all()) and len(every) > 4 * (high - low + 1)
    return high + 1 if whole and low in (0, 1) and high > 1 else None


def _of_outputs_for_each(exam: Examination, count: int) -> Case:
    """Return the case with one output per class and whole class numbers as targets."""
    if exam.case.loss_fn is None:
        raise _MISFIT
    wide = with_outputs(exam, count)
    case = over_targets(exam, lambda target: target.reshape(target.shape[0]).long())
    parts = {"model": wide.model, "optimizer": wide.optimizer}
    return changed(case, loss_fn=F.cross_entropy, task=None, num_classes=count, **parts)


def _binary(exam: Examination) -> Case:
    _called(exam, ("cross_entropy", "nll_loss", "binary_cross_entropy", *_DISTANCES))
    origins = Origins("sigmoid", "softmax", "log_softmax")

    def rewrite(call: Call) -> Any:
        values = given(call)
        names = ("cross_entropy", "nll_loss", "binary_cross_entropy", *_DISTANCES)
        if values is None or call.name not in names:
            return origins.note(call)
        target, before = _target(call), origins.before(values)
        logits = values if before is None else before
        if logits.numel() != target.numel():
            raise _MISFIT
        wanted = target.reshape(logits.shape).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, wanted)

    return everywhere(exam, rewrite)


def _weighted(exam: Examination) -> Case:
    _called(exam, ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits"))
    labels = class_labels(infer(exam), targets_of(exam))
    if labels is None:
        raise Unsuitable(en="the targets name no single class", zh="目标不是单一类别")
    count = torch.bincount(torch.cat(labels)).double()
    weight = count.sum() / (int((count > 0).sum()) * count.clamp(min=1))

    def rewrite(call: Call) -> Any:
        values = given(call)
        if values is None:
            return AS_IT_IS
        if call.name in ("cross_entropy", "nll_loss") and values.shape[1] >= len(weight):
            padded = F.pad(weight, (0, values.shape[1] - len(weight)), value=1.0)
            return with_arguments(call, weight=padded.to(values))
        if call.name == "binary_cross_entropy_with_logits" and len(weight) == 2:
            ratio = (count[0] / count[1].clamp(min=1)).to(values)
            scale = float(count.sum() / (2 * count[0].clamp(min=1)))  # mean weight 1
            return scale * with_arguments(call, pos_weight=ratio)
        return AS_IT_IS

    return in_loss(exam, rewrite)


def _standard(exam: Examination) -> Case:
    if exam.case.loss_fn is None:
        raise Unsuitable(en="the case has no `loss_fn`", zh="案例中没有 `loss_fn`")
    kind, output = infer(exam).kind, output_of(exam)
    if output is None or kind == "none":
        raise _MISFIT
    by_kind = {"class-index": _of_classes, "one-hot": _of_classes}
    by_kind |= {"binary": _of_yes_or_no, "multi-label": _of_yes_or_no}
    return changed(exam.case, loss_fn=by_kind.get(kind, _of_numbers))


def _of_classes(output: Any, target: Tensor) -> Tensor:
    logits = _main(output)
    if target.is_floating_point() and logits.dim() > 1 and logits.shape[1] > 1:
        return F.cross_entropy(logits, target.to(logits.dtype))
    if (
        target.is_floating_point()
        or logits.dim() < 2
        or logits.shape[class_axis(logits, target)] < 2
    ):
        raise _MISFIT
    axis = class_axis(logits, target)
    return F.cross_entropy(logits.movedim(axis, 1), target.long())


def _of_yes_or_no(output: Any, target: Tensor) -> Tensor:
    logits = _main(output)
    if logits.numel() != target.numel():
        raise _MISFIT
    wanted = target.reshape(logits.shape).to(logits.dtype)
    if probable(logits):
        return F.binary_cross_entropy(logits, wanted)
    return F.binary_cross_entropy_with_logits(logits, wanted)


def _of_numbers(output: Any, target: Tensor) -> Tensor:
    values = _main(output)
    if values.numel() != target.numel():
        raise _MISFIT
    return F.mse_loss(values, target.reshape(values.shape).to(values.dtype))


def _main(output: Any) -> Tensor:
    found = main_output(output)
    if found is None:
        raise _MISFIT
    return found


def _mean(exam: Examination) -> Case:
    loss_fn = exam.case.loss_fn
    if loss_fn is None:
        raise Unsuitable(en="the case has no `loss_fn`", zh="案例中没有 `loss_fn`")

    def mean(output: Any, target: Any) -> Any:
        first = next(tensors_in(target), None)
        samples = len(first) if first is not None and first.dim() else exam.batch.size
        return loss_fn(output, target) / samples

    return changed(exam.case, loss_fn=mean)


def _forgiving(exam: Examination) -> Case:
    _called(exam, ("cross_entropy", "mse_loss"))

    def rewrite(call: Call) -> Any:
        if call.name == "cross_entropy":
            return with_arguments(call, label_smoothing=SMOOTHING)
        if call.name == "mse_loss":
            keep = options(call, "reduction")
            return F.huber_loss(*call.args[:2], **{**_named(call), **keep})
        return AS_IT_IS

    return in_loss(exam, rewrite)


def _named(call: Call) -> dict[str, Any]:
    return {name: call.kwargs[name] for name in ("input", "target") if name in call.kwargs}


TRIALS: Final = (
    Trial(
        "mean-loss",
        Text(en="the loss divided by the batch's samples", zh="损失除以批次的样本数"),
        _mean,
        same_loss=False,
    ),
    Trial(
        "standard-loss",
        Text(en="PyTorch's own loss for this task", zh="PyTorch 自带的、适合该任务的损失"),
        _standard,
        same_loss=False,
    ),
    Trial(
        "forgiving-loss",
        Text(en="label smoothing, or Huber's loss", zh="标签平滑，或 Huber 损失"),
        _forgiving,
        same_loss=False,
        goal="validation",
    ),
    Trial(
        "loss-for-logits",
        Text(en="the loss function that fits raw outputs", zh="与原始输出匹配的损失函数"),
        _for_logits,
        same_loss=False,
    ),
    Trial(
        "cross-entropy",
        Text(en="cross-entropy as the loss", zh="用交叉熵作损失"),
        _cross_entropy,
        same_loss=False,
    ),
    Trial(
        "binary-cross-entropy",
        Text(
            en="binary cross-entropy with logits as the loss", zh="用带 logits 的二元交叉熵作损失"
        ),
        _binary,
        same_loss=False,
    ),
    Trial(
        "class-weights",
        Text(en="rare classes weighted up", zh="提高稀有类别的权重"),
        _weighted,
        same_loss=False,
    ),
)
