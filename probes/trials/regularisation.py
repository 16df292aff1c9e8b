"""Treatments of regularisation: dropout and weight decay, off or on, and the length of training."""

from __future__ import annotations

from typing import Any, Final

import torch.nn.functional as F
from torch import nn

from expert.language import Text
from probes.case.case import Case
from probes.optimizer import groups
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.course import Course
from probes.trials.rewriting import AS_IT_IS, given, in_model
from probes.trials.trial import Trial, Unsuitable

RATE: Final = 0.5  # of dropout: Srivastava and others (2014), hidden layers
COUPLED: Final = 1e-2  # of the weights, added to the gradient: felt within a trial
DECOUPLED: Final = 0.5  # AdamW multiplies it by the rate


def _no_dropout(exam: Examination) -> Case:
    inner = [m for m in exam.model.modules() if isinstance(m, nn.RNNBase | nn.MultiheadAttention)]
    holders = [module for module in inner if module.dropout]
    if not holders and not any(op.probability for op in exam.recording.ops):
        raise Unsuitable(en="there is no dropout", zh="没有 dropout")
    for module in holders:
        module.dropout = 0.0
    in_model(exam, lambda: _undropped)
    return exam.case


def _undropped(call: Call) -> Any:
    values = given(call)
    if call.name.endswith("dropout") and values is not None:
        return values
    if call.name == "scaled_dot_product_attention" and call.kwargs.get("dropout_p"):
        return call.func(*call.args, **{**call.kwargs, "dropout_p": 0.0})
    return AS_IT_IS


def _no_decay(exam: Examination) -> Case:
    decaying = [group for group in groups(exam.case) if group.get("weight_decay")]
    if not decaying:
        raise Unsuitable(en="there is no weight decay", zh="没有权重衰减")
    for group in decaying:
        group["weight_decay"] = 0.0
    return exam.case


def _no_regularisation(exam: Examination) -> Case:
    done = 0
    for without in (_no_dropout, _no_decay):
        try:
            without(exam)
            done += 1
        except Unsuitable:
            continue
    if not done:
        raise Unsuitable(
            en="there is neither dropout nor weight decay", zh="既没有 dropout 也没有权重衰减"
        )
    return exam.case


def _dropout(exam: Examination) -> Case:
    """Drop units before the last layer: what makes a network rely on no single one."""
    layers = [m for m in exam.model.modules() if isinstance(m, nn.Linear)]
    if len(layers) < 2:
        raise Unsuitable(
            en="there is no hidden layer to drop units of", zh="没有可丢弃单元的隐藏层"
        )
    model, last = exam.model, layers[-1]

    def drop(module: nn.Module, inputs: Any) -> Any:
        return (F.dropout(inputs[0], RATE, training=model.training), *inputs[1:])

    last.register_forward_pre_hook(drop)  # put back with everything else
    return exam.case


def _decay(exam: Examination) -> Case:
    decaying = [group for group in groups(exam.case) if "weight_decay" in group]
    if not decaying:
        raise Unsuitable(en="the optimizer knows no weight decay", zh="优化器不支持权重衰减")
    for group in decaying:
        coupled = not group.get("decoupled_weight_decay", "AdamW" in _kinds(exam))
        group["weight_decay"] = COUPLED if coupled else DECOUPLED
    return exam.case


def _until_lowest(course: Course, before: int, after: int) -> int:
    """Return the step at which the validation loss was lowest."""
    lowest = course.lowest_validation
    if lowest is None:
        raise Unsuitable(en="there are no validation data", zh="没有验证数据")
    if lowest[0] >= course.steps:
        raise Unsuitable(
            en="the validation loss was still falling at the end of the trial",
            zh="试验结束时验证损失仍在下降",
        )
    return lowest[0]


def _kinds(exam: Examination) -> str:
    return " ".join(type(optimizer).__name__ for optimizer in exam.case.optimizers)


def _dropout_and_decay(exam: Examination) -> Case:
    _dropout(exam)
    return _decay(exam)


def _following_the_mode(exam: Examination) -> Case:
    model = exam.model
    if not any(op.probability for op in exam.recording.ops):
        raise Unsuitable(en="there is no dropout", zh="没有 dropout")

    def rewrite(call: Call) -> Any:
        return AS_IT_IS if model.training else _undropped(call)

    in_model(exam, lambda: rewrite)
    return exam.case


TRIALS: Final = (
    Trial("no-dropout", Text(en="without dropout", zh="不用 dropout"), _no_dropout),
    Trial("no-weight-decay", Text(en="without weight decay", zh="不用权重衰减"), _no_decay),
    Trial(
        "no-regularisation",
        Text(en="without dropout and weight decay", zh="不用 dropout 和权重衰减"),
        _no_regularisation,
    ),
    Trial(
        "dropout-and-decay",
        Text(en="with dropout and weight decay", zh="加上 dropout 和权重衰减"),
        _dropout_and_decay,
        goal="validation",
    ),
    Trial("dropout", Text(en="with dropout", zh="加上 dropout"), _dropout, goal="validation"),
    Trial(
        "weight-decay", Text(en="with weight decay", zh="加上权重衰减"), _decay, goal="validation"
    ),
    Trial(
        "dropout-follows-the-mode",
        Text(en="no dropout in evaluation mode", zh="评估模式下不做 dropout"),
        _following_the_mode,
        goal="validation",
    ),
    Trial(
        "early-stopping",
        Text(en="stopped where the validation loss is lowest", zh="在验证损失最低处停止"),
        lambda exam: exam.case,
        goal="validation",
        steps=_until_lowest,
    ),
    Trial(
        "train-longer",
        Text(en="four times as many steps", zh="训练步数增至四倍"),
        lambda exam: exam.case,
        own_length=True,
        steps=lambda course, before, after: 4 * course.steps,
    ),
)
