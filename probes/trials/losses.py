"""Treatments of the loss function: the one that fits what it is given, and class weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from expert.language import Text
from probes.case.case import Case
from probes.quantities.task import class_labels, infer, targets_of
from probes.recording.operation import Call
from probes.running.examination import Examination
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
from probes.trials.trial import Trial, Unsuitable

_MISFIT: Final = Unsuitable(
    en="the outputs have another shape than it needs", zh="输出的形状不符合它的要求"
)
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


def _binary(exam: Examination) -> Case:
    _called(exam, ("cross_entropy", "nll_loss", *_DISTANCES))
    origins = Origins("sigmoid", "softmax", "log_softmax")

    def rewrite(call: Call) -> Any:
        values = given(call)
        if values is None or call.name not in ("cross_entropy", "nll_loss", *_DISTANCES):
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


TRIALS: Final = (
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
