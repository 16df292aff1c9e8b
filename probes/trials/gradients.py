"""Treatments of operations that let no gradient pass, or make it infinite."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor

from expert.language import Text
from probes.case.case import Case
from probes.case.own_step import replace
from probes.recording import ops
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.rewriting import AS_IT_IS, Origins, everywhere, given, in_model, wrapped
from probes.trials.trial import Trial, Unsuitable

EPSILON: Final = 1e-6
LARGEST_EXPONENT: Final = 50.0
_SMOOTH: Final = {"sign": torch.tanh, "sgn": torch.tanh, "heaviside": torch.sigmoid}
_COMPARED: Final = ("gt", "ge")
_TO_NUMBERS: Final = ("float", "double", "half", "to", "type", "type_as", "mul")


def _flat(exam: Examination, *, straight: bool) -> Case:
    def flat(name: str) -> bool:
        return name in ops.FLAT or name in _SMOOTH or name in _COMPARED

    if not any(op.inside and op.learned and flat(op.name) for op in exam.recording.ops):
        raise Unsuitable(en="no flat operation was seen", zh="没有发现梯度为零的操作")
    in_model(exam, lambda: _Smoothing(straight=straight))
    return exam.case


class _Smoothing:
    """Replaces flat operations by smooth ones; only in the backward where `straight`."""

    def __init__(self, *, straight: bool) -> None:
        self.straight = straight
        self.masks = Origins()

    def __call__(self, call: Call) -> Any:
        values = given(call)
        if values is None:
            return AS_IT_IS
        if call.name in _COMPARED and values.is_floating_point() and len(call.args) > 1:
            result = call.func(*call.args, **call.kwargs)
            if isinstance(result, Tensor):
                self.masks.keep(result, values - call.args[1])
            return result
        source = self.masks.before(values)
        if source is not None and call.name in _TO_NUMBERS:
            hard = call.func(*call.args, **call.kwargs)
            return self._either(hard, torch.sigmoid(source)) if _numeric(hard) else hard
        if call.name in ops.FLAT or call.name in _SMOOTH:
            if not values.is_floating_point():
                return AS_IT_IS
            hard = call.func(*call.args, **call.kwargs)
            smooth = _SMOOTH.get(call.name, lambda x: x)(values)
            return self._either(hard, smooth)
        return AS_IT_IS

    def _either(self, hard: Tensor, smooth: Tensor) -> Tensor:
        return smooth + (hard - smooth).detach() if self.straight else smooth


def _numeric(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _kept(exam: Examination) -> Case:
    def rewrite(call: Call) -> Any:
        values = given(call)
        if call.name in ("detach", "data") and values is not None:
            return values
        if call.name in ("tensor", "as_tensor") and values is not None:
            return values
        return AS_IT_IS

    case = everywhere(exam, rewrite)
    model: Any = exam.model
    model.forward = wrapped(model.forward, _grad_allowed)
    return case


def _grad_allowed(stack: ExitStack) -> None:
    """Let `torch.no_grad` and `torch.inference_mode` inside have no effect."""

    def enter(self: Any) -> None:
        self.prev = torch.is_grad_enabled()

    replace(stack, torch.no_grad, "__enter__", enter)


def _guarded(exam: Examination) -> Case:
    return everywhere(exam, _guard)


def _guard(call: Call) -> Any:
    values = given(call)
    if values is None or not values.is_floating_point():
        return AS_IT_IS
    rest = call.args[1:]
    if call.name in ("log", "log2", "log10", "sqrt", "rsqrt"):
        least = EPSILON if call.name != "sqrt" else EPSILON**2
        return call.func(values.clamp(min=least), *rest, **call.kwargs)
    if call.name == "exp":
        return call.func(values.clamp(max=LARGEST_EXPONENT), *rest, **call.kwargs)
    if call.name == "reciprocal":
        return call.func(_away(values), *rest, **call.kwargs)
    if call.name != "div":
        return AS_IT_IS
    if getattr(call.func, "__name__", "") in ("__rtruediv__", "__rdiv__"):
        return call.func(_away(values), *rest, **call.kwargs)
    if rest and isinstance(rest[0], Tensor) and rest[0].is_floating_point():
        return call.func(values, _away(rest[0]), *rest[1:], **call.kwargs)
    return AS_IT_IS


def _away(values: Tensor) -> Tensor:
    """Return the values, those nearer to 0 than 1e-6 moved there, on their side."""
    least = torch.full_like(values, EPSILON)
    return torch.where(values.abs() < EPSILON, torch.copysign(least, values.detach()), values)


def _full_precision(exam: Examination) -> Case:
    case = exam.case
    if case.step is None and case.scaler is None:
        raise Unsuitable(en="no mixed precision was seen", zh="没有发现混合精度")

    def rewrite(call: Call) -> Any:
        values = given(call)
        if call.name == "half" and values is not None:
            return values.float()
        return AS_IT_IS

    model: Any = exam.model
    treated = everywhere(exam, rewrite)
    model.forward = wrapped(model.forward, _without_autocast)
    return treated


def _without_autocast(stack: ExitStack) -> None:
    kinds = {parameter for parameter in ("cpu", "cuda", "mps") if _autocasts(parameter)}
    for kind in kinds:
        stack.enter_context(torch.autocast(kind, enabled=False))


def _autocasts(kind: str) -> bool:
    try:
        return bool(torch.is_autocast_enabled(kind))
    except (RuntimeError, TypeError):
        return False


TRIALS: Final = (
    Trial(
        "smooth-operations",
        Text(en="smooth operations instead of flat ones", zh="用光滑操作代替梯度为零的操作"),
        lambda exam: _flat(exam, straight=False),
    ),
    Trial(
        "straight-through",
        Text(en="straight-through gradients", zh="直通估计梯度"),
        lambda exam: _flat(exam, straight=True),
    ),
    Trial("graph-kept", Text(en="nothing taken out of the graph", zh="不脱离计算图"), _kept),
    Trial(
        "guarded-operations",
        Text(en="division, log, sqrt and exp guarded", zh="为除法、对数、平方根和指数加保护"),
        _guarded,
    ),
    Trial(
        "full-precision",
        Text(en="float32 instead of half precision", zh="用 float32 代替半精度"),
        _full_precision,
    ),
)
