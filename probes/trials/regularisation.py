"""Treatments of regularisation: without dropout, without weight decay."""

from __future__ import annotations

from typing import Any, Final

from torch import nn

from expert.language import Text
from probes.case.case import Case
from probes.optimizer import groups
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.rewriting import AS_IT_IS, given, in_model
from probes.trials.trial import Trial, Unsuitable


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


TRIALS: Final = (
    Trial("no-dropout", Text(en="without dropout", zh="不用 dropout"), _no_dropout),
    Trial("no-weight-decay", Text(en="without weight decay", zh="不用权重衰减"), _no_decay),
)
