"""Treatments of activation functions, whether they are modules or functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch.nn.functional as F
from torch import Tensor

from expert.language import Text
from probes.case.case import Case
from probes.recording import ops
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.initialisation import kaiming
from probes.trials.rewriting import AS_IT_IS, Origins, Rewrite, everywhere, given, in_model
from probes.trials.trial import Trial, Unsuitable

SLOPE: Final = 0.1
_LOSSES_OF_LOGITS: Final = ("cross_entropy", "binary_cross_entropy_with_logits")


def _in_place(call: Call) -> bool:
    return getattr(call.func, "__name__", "").endswith("_") or bool(call.kwargs.get("inplace"))


def _instead_of_relu(other: Callable[..., Tensor], parameter: float) -> Callable[..., Case]:
    def apply(exam: Examination) -> Case:
        _need(exam, "relu")
        in_model(exam, lambda: rewrite)
        return exam.case

    def rewrite(call: Call) -> Any:
        values = given(call)
        if call.name not in ops.RECTIFIERS or values is None:
            return AS_IT_IS
        return other(values, parameter, inplace=_in_place(call))

    return apply


def _need(exam: Examination, *names: str) -> None:
    if not any(op.inside and op.name in names for op in exam.recording.ops):
        joined = ", ".join(names)
        raise Unsuitable(en=f"the model has no {joined}", zh=f"模型中没有 {joined}")


def _rectified(exam: Examination) -> Case:
    _need(exam, "sigmoid", "tanh")
    last = _last(exam) if exam.recording.output_last.name in ("sigmoid", "tanh") else None
    in_model(exam, lambda: _counting(last, _as_relu))
    kaiming(exam.model)
    return exam.case


def _as_relu(call: Call, is_last: bool) -> Any:
    values = given(call)
    if is_last or call.name not in ("sigmoid", "tanh") or values is None:
        return AS_IT_IS
    return values.relu_() if _in_place(call) else values.relu()


def _without_last(exam: Examination) -> Case:
    last = _last(exam)
    if last is None:
        raise Unsuitable(en="nothing follows the last layer", zh="最后一层之后没有激活函数")
    in_model(exam, lambda: _counting(last, _bypassed))
    return exam.case


def _bypassed(call: Call, is_last: bool) -> Any:
    values = given(call)
    return values if is_last and values is not None else AS_IT_IS


def _last(exam: Examination) -> tuple[str, int] | None:
    """Return the name of the model's last activation, and how many of that name it calls."""
    name = exam.recording.output_last.name
    count = sum(op.inside and op.name == name for op in exam.recording.ops)
    return (name, count) if name != "none" and count else None


def _counting(last: tuple[str, int] | None, then: Callable[[Call, bool], Any]) -> Rewrite:
    """Return a rewriting for one forward that knows which call is the last activation."""
    seen = 0

    def rewrite(call: Call) -> Any:
        nonlocal seen
        if last is None or call.name != last[0]:
            return then(call, False)
        seen += 1
        return then(call, seen == last[1])

    return rewrite


def _softmax_removed(exam: Examination) -> Case:
    origins = Origins("softmax", "log_softmax", "sigmoid")
    if not any(op.name in origins.names for op in exam.recording.ops):
        raise Unsuitable(en="there is no softmax or sigmoid", zh="没有 softmax 或 sigmoid")

    def rewrite(call: Call) -> Any:
        values = given(call)
        if call.name in _LOSSES_OF_LOGITS and values is not None:
            logits = origins.before(values)
            if logits is None:
                return AS_IT_IS
            return call.func(logits, *call.args[1:], **_without_input(call))
        return origins.note(call)

    return everywhere(exam, rewrite)


def _without_input(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.kwargs.items() if name != "input"}


TRIALS: Final = (
    Trial(
        "leaky-relu",
        Text(en="leaky ReLU instead of ReLU", zh="用 LeakyReLU 代替 ReLU"),
        _instead_of_relu(F.leaky_relu, SLOPE),
    ),
    Trial(
        "elu", Text(en="ELU instead of ReLU", zh="用 ELU 代替 ReLU"), _instead_of_relu(F.elu, 1.0)
    ),
    Trial(
        "relu-and-kaiming",
        Text(
            en="ReLU instead of sigmoid and tanh, He weights",
            zh="用 ReLU 代替 sigmoid/tanh，并用 He 初始化",
        ),
        _rectified,
    ),
    Trial(
        "last-activation-removed",
        Text(en="no activation after the last layer", zh="去掉最后一层之后的激活函数"),
        _without_last,
    ),
    Trial(
        "softmax-removed",
        Text(
            en="raw outputs instead of probabilities to the loss", zh="把原始输出而不是概率交给损失"
        ),
        _softmax_removed,
        same_loss=False,
    ),
)
