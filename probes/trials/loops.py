"""Treatments of a user's own training step: without clipping, with fresh gradients.

They fit a `step` that goes backward and updates by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import nn

from expert.language import Text
from probes.case.case import Case
from probes.case.own_step import replace
from probes.running.examination import Examination
from probes.training.own_loop import watched
from probes.trials.trial import Trial, Unsuitable, changed


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
            step(exam.model, exam.batch.fresh().raw)
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


TRIALS: Final = (
    Trial("without-clipping", Text(en="without gradient clipping", zh="不做梯度裁剪"), _unclipped),
    Trial(
        "fresh-gradients",
        Text(en="gradients cleared before each step", zh="每步之前清空梯度"),
        _fresh,
    ),
)
