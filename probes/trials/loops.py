"""Treatments of the training step: clipping, clearing, accumulating, updating.

Most fit a `step` that goes backward and updates by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from probes.case.case import Case
from probes.case.own_step import replace
from probes.running.examination import Examination
from probes.training.loop_notes import divisor
from probes.training.own_loop import watched
from probes.training.short_training import set_rate
from probes.trials.trial import Trial, Unsuitable, changed

BOUND: Final = 1.0  # of the gradient norm: the usual one


def goes_backward(exam: Examination) -> bool:
    """Return whether the user's `step` goes backward by itself; nothing is changed by asking."""
    step = exam.case.step
    if step is None:
        return False
    seen: list[bool] = []
    backward = torch.autograd.backward

    def noted(*args: Any, **kwargs: Any) -> None:
        seen.append(True)
        backward(*args, **kwargs)

    with exam.training(), ExitStack() as stack:
        replace(stack, torch.autograd, "backward", noted)
        try:
            step(exam.model, exam.batch.for_step())
        except Exception:  # it will say so where it is run in earnest
            return bool(seen)
    return bool(seen)


def _own(exam: Examination) -> Callable[[nn.Module, Any], Any]:
    if exam.case.step is None or not goes_backward(exam):
        raise Unsuitable(
            en="your training step is not known (see `step`)", zh="不知道您的训练步骤（见 `step`）"
        )
    return exam.case.step


def _unclipped(exam: Examination) -> Case:
    step, optimizers = _own(exam), exam.case.optimizers

    def unclipped(model: nn.Module, batch: Any) -> Any:
        with watched(optimizers, unclipped=True) as watch:
            watch.begin_call()
            return step(model, batch)

    return changed(exam.case, step=unclipped)


def _fresh(exam: Examination) -> Case:
    step = _own(exam)
    optimizers = exam.case.optimizers

    def fresh(model: nn.Module, batch: Any) -> Any:
        model.zero_grad(set_to_none=True)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        return step(model, batch)

    return changed(exam.case, step=fresh)


def _clipped(exam: Examination) -> Case:
    if not exam.case.optimizers:
        raise Unsuitable(en="the case has no optimizer", zh="案例中没有优化器")

    def clip(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        held = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(held, BOUND)

    for optimizer in exam.case.optimizers:
        optimizer.register_step_pre_hook(clip)  # put back with everything else
    return exam.case


def _slow_and_unclipped(exam: Examination) -> Case:
    found = exam.found.get("loop.lower_rate")
    if found is None or not isinstance(found.value, float | int):
        raise Unsuitable(en="no lower rate was measured", zh="没有测得更低的学习率")
    case = _unclipped(exam)
    set_rate(exam, float(found.value))
    return case


def _updating(exam: Examination) -> Case:
    step, optimizers = _own(exam), exam.case.optimizers

    def updating(model: nn.Module, batch: Any) -> Any:
        with watched(optimizers) as watch:
            watch.begin_call()
            result = step(model, batch)
        if not watch.updates:
            for optimizer in optimizers:
                optimizer.step()
        return result

    return changed(exam.case, step=updating)


@dataclass(slots=True)
class _Gathered:
    """What came in since the last update."""

    backwards: int = 0
    divided: bool = False


def _averaged(exam: Examination) -> Case:
    step, optimizers = _own(exam), exam.case.optimizers

    def averaged(model: nn.Module, batch: Any) -> Any:
        with ExitStack() as stack:
            for optimizer in optimizers:
                _average(stack, optimizer)
            _keep_gradients(stack, model, optimizers)
            return step(model, batch)

    return changed(exam.case, step=averaged)


def _held(optimizer: torch.optim.Optimizer) -> _Gathered:
    """Return the optimizer's counts; they are attributes of it, so that they are put back too."""
    found: _Gathered = vars(optimizer).setdefault("_gathered", _Gathered())
    return found


def _average(stack: ExitStack, optimizer: torch.optim.Optimizer) -> None:
    """Let an update use the mean of the gradients since the last one."""
    backward = torch.autograd.backward

    def noted(tensors: Any, *args: Any, **kwargs: Any) -> None:
        first = tensors if isinstance(tensors, Tensor) else next(iter(tensors))
        held = _held(optimizer)
        held.backwards, held.divided = held.backwards + 1, divisor(first) > 1
        backward(tensors, *args, **kwargs)

    def before(_: Any, args: Any, kwargs: Any) -> None:
        held = _held(optimizer)
        if held.backwards > 1 and not held.divided:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.grad.div_(held.backwards)
        vars(optimizer).pop("_gathered", None)

    replace(stack, torch.autograd, "backward", noted)
    stack.callback(optimizer.register_step_pre_hook(before).remove)


def _keep_gradients(
    stack: ExitStack, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> None:
    """Let gradients be cleared only right after an update."""
    owners: list[tuple[Any, Sequence[torch.optim.Optimizer]]] = [(model, optimizers)]
    owners += [(optimizer, [optimizer]) for optimizer in optimizers]
    for owner, theirs in owners:
        real = owner.zero_grad

        def clear(*args: Any, real: Any = real, theirs: Any = theirs, **kwargs: Any) -> None:
            if not any(_held(optimizer).backwards for optimizer in theirs):
                real(*args, **kwargs)

        replace(stack, owner, "zero_grad", clear)


TRIALS: Final = (
    Trial("without-clipping", Text(en="without gradient clipping", zh="不做梯度裁剪"), _unclipped),
    Trial(
        "fresh-gradients",
        Text(en="gradients cleared before each step", zh="每步之前清空梯度"),
        _fresh,
    ),
    Trial("clipping", Text(en="gradients clipped to norm 1", zh="把梯度范数裁剪到 1"), _clipped),
    Trial(
        "without-clipping-lower-rate",
        Text(en="without clipping, at the lower rate", zh="不做裁剪，并降低学习率"),
        _slow_and_unclipped,
        uses=("loop.lower_rate",),
    ),
    Trial(
        "optimizer-steps",
        Text(en="optimizer.step() after backward", zh="反向传播后调用 optimizer.step()"),
        _updating,
    ),
    Trial(
        "accumulation-averaged",
        Text(en="accumulated gradients averaged", zh="累积的梯度取平均"),
        _averaged,
    ),
)
