"""Treatments of the data: scale, order, shape, values that are no numbers, labels from zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expert.language import Text
from probes.case.batches import Batch, map_tensors, take_apart_like
from probes.case.case import Case
from probes.data import input_moments, input_tensors
from probes.quantities.task import output_of
from probes.running.examination import Examination
from probes.training.regrouped import alike, gathered, places
from probes.training.standardised import with_standard_inputs, with_standard_targets
from probes.trials.trial import Trial, Unsuitable, over_batches


def _standard_inputs(exam: Examination) -> Case:
    return over_batches(exam, lambda batches: with_standard_inputs(exam, batches))


def _standard_targets(exam: Examination) -> Case:
    return over_batches(exam, lambda batches: with_standard_targets(exam, batches))


def _shuffled(exam: Examination) -> Case:
    def shuffle(batches: list[Batch]) -> Sequence[Batch] | None:
        if batches is not exam.batches:  # validation data stay as they are
            return batches
        return _mixed(batches)

    return over_batches(exam, shuffle)


def _mixed(batches: list[Batch]) -> Sequence[Batch] | None:
    if len(batches) < 2 or len(alike(batches)) < len(batches):
        return None
    every = places(batches)
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    shuffled = iter([every[index] for index in order])
    return [gathered(batches, [next(shuffled) for _ in range(batch.size)]) for batch in batches]


def _same_shape(exam: Examination) -> Case:
    output = output_of(exam)
    target = exam.batch.target_tensor
    if output is None or target is None or output.numel() != target.numel():
        raise Unsuitable(
            en="the outputs and targets differ in more than their shape",
            zh="输出与目标不只是形状不同",
        )
    if output.shape == target.shape:
        raise Unsuitable(en="their shapes are the same", zh="两者形状本来就相同")
    return over_targets(exam, lambda values: values.reshape(values.shape[0], *output.shape[1:]))


def over_targets(exam: Examination, change: Callable[[Tensor], Tensor]) -> Case:
    """Return the case with `change` made to the target of every batch."""

    def one(batch: Batch) -> Batch:
        target = batch.target_tensor
        if target is None:
            return batch
        return take_apart_like(
            batch, map_tensors(batch.raw, lambda t: change(t) if t is target else t)
        )

    return over_batches(exam, lambda batches: [one(batch) for batch in batches])


def _from_zero(exam: Examination) -> Case:
    values = [t for batch in exam.batches if (t := batch.target_tensor) is not None]
    if not values:
        raise Unsuitable(en="there are no labels", zh="没有标签")
    every = torch.cat([target.reshape(-1) for target in values])
    low, high = every.min(), every.max()
    if low == 0 or not bool((every == every.round()).all()):
        raise Unsuitable(en="the labels count from 0", zh="标签已从 0 开始")
    if every.is_floating_point():
        return over_targets(exam, lambda target: (target == high).to(target.dtype))
    return over_targets(exam, lambda target: target - low)


def _finite(exam: Examination) -> Case:
    found = input_moments(exam)
    if not any(part.nonfinite_share for part in found.values()):
        raise Unsuitable(en="all inputs are finite", zh="输入都是有限值")

    def filled(batch: Batch) -> Batch:
        new: dict[int, Tensor] = {}
        for name, tensor in input_tensors(batch).items():
            shape = [1] * tensor.dim()
            if found[name].axis:
                shape[found[name].axis] = -1
            mean = found[name].mean.view(shape).to(tensor.dtype)
            new[id(tensor)] = torch.where(torch.isfinite(tensor), tensor, mean)
        return take_apart_like(batch, map_tensors(batch.raw, lambda t: new.get(id(t), t)))

    return over_batches(exam, lambda batches: [filled(batch) for batch in batches])


def _unit_range(exam: Examination) -> Case:
    low, high = _bounds([t for b in exam.batches for t in input_tensors(b).values()])
    if low >= -1 and high <= 1:
        raise Unsuitable(en="the inputs lie between -1 and 1", zh="输入已在 -1 与 1 之间")

    def scaled(batch: Batch) -> Batch:
        new = {id(t): (t - low) / (high - low) for t in input_tensors(batch).values()}
        return take_apart_like(batch, map_tensors(batch.raw, lambda t: new.get(id(t), t)))

    return over_batches(exam, lambda batches: [scaled(batch) for batch in batches])


def _bounds(tensors: Sequence[Tensor]) -> tuple[float, float]:
    """Return the lowest and the highest value. Raises Unsuitable where they are no scale."""
    known = [t for t in tensors if t.is_floating_point() and t.numel()]
    if not known:
        raise Unsuitable(en="there are no numbers to scale", zh="没有可缩放的数值")
    low, high = min(float(t.min()) for t in known), max(float(t.max()) for t in known)
    if not low < high or not math.isfinite(high - low):
        raise Unsuitable(en="the values are all the same, or not finite", zh="数值全部相同或非有限")
    return low, high


def _targets_in_range(exam: Examination) -> Case:
    """Scale the targets into what the last activation can give."""
    last = exam.recording.output_last.name
    if last not in ("sigmoid", "tanh", "relu"):
        raise Unsuitable(en="no activation bounds the outputs", zh="没有限制输出范围的激活函数")
    low, high = _bounds([t for b in exam.batches if (t := b.target_tensor) is not None])
    least, most = (-0.9, 0.9) if last == "tanh" else (0.1, 0.9)

    def scaled(target: Tensor) -> Tensor:
        return (target - low) / (high - low) * (most - least) + least

    return over_targets(exam, scaled)


def _whole_numbers(exam: Examination) -> Case:
    values = [t for batch in exam.batches if (t := batch.target_tensor) is not None]
    if not values or not all(
        t.is_floating_point() and bool((t == t.round()).all()) for t in values
    ):
        raise Unsuitable(
            en="the targets are no whole numbers kept as floats", zh="目标不是以浮点数存储的整数"
        )
    if any(t.dim() > 1 and t.shape[-1] != 1 for t in values):
        raise Unsuitable(en="the targets have several columns", zh="目标有多列")
    return over_targets(exam, lambda t: t.long().reshape(t.shape[0]))


def _normalised_inside(exam: Examination) -> Case:
    """Let the model begin with a normalisation of every feature over the batch."""
    if not all(t.is_floating_point() for t in input_tensors(exam.batch).values()):
        raise Unsuitable(en="the inputs are no numbers", zh="输入不是数值")

    def normalise(module: nn.Module, given: tuple[Any, ...]) -> Any:
        first = given[0]
        if not isinstance(first, Tensor) or first.dim() < 2 or len(first) < 2:
            return given
        return (F.batch_norm(first, None, None, training=True), *given[1:])

    exam.model.register_forward_pre_hook(normalise)  # put back with everything else
    return exam.case


TRIALS: Final = (
    Trial(
        "unit-range-inputs",
        Text(en="inputs scaled to 0..1", zh="把输入缩放到 0..1"),
        _unit_range,
    ),
    Trial(
        "normalised-inside",
        Text(en="batch norm as the first layer", zh="以批归一化作第一层"),
        _normalised_inside,
    ),
    Trial(
        "targets-in-range",
        Text(
            en="targets scaled into the last activation's range",
            zh="把目标缩放到最后激活函数的值域内",
        ),
        _targets_in_range,
        same_loss=False,
    ),
    Trial(
        "whole-number-labels",
        Text(en="class numbers as int64", zh="类别编号用 int64"),
        _whole_numbers,
        same_loss=False,
    ),
    Trial(
        "standardised-inputs",
        Text(en="inputs at mean 0, deviation 1", zh="输入标准化为均值 0、标准差 1"),
        _standard_inputs,
    ),
    Trial(
        "standardised-targets",
        Text(en="targets at mean 0, deviation 1", zh="目标标准化为均值 0、标准差 1"),
        _standard_targets,
        same_loss=False,
    ),
    Trial("shuffled", Text(en="samples shuffled", zh="打乱样本顺序"), _shuffled),
    Trial(
        "same-shape-targets",
        Text(en="targets in the shape of the outputs", zh="目标与输出形状一致"),
        _same_shape,
        same_loss=False,
    ),
    Trial(
        "labels-from-zero",
        Text(en="labels counted from 0", zh="标签从 0 开始编号"),
        _from_zero,
        same_loss=False,
    ),
    Trial(
        "finite-inputs",
        Text(en="missing values filled with the mean", zh="用均值填补缺失值"),
        _finite,
    ),
)
