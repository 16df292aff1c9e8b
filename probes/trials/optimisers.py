"""Treatments of the optimizer: another kind, or a usual momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import nn

from expert.language import Text
from probes.case.case import Case
from probes.optimizer import groups
from probes.running.examination import Examination
from probes.trials.loops import goes_backward
from probes.trials.trial import Trial, Unsuitable, changed

ADAM_RATE: Final = 1e-3  # Kingma and Ba, "Adam", 2015: the default
SGD_RATE: Final = 0.01
MOMENTUM: Final = 0.9


def _exchanged(
    exam: Examination, make: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
) -> Case:
    if exam.case.step is not None and goes_backward(exam):
        raise Unsuitable(en="your step holds its own optimizer", zh="您的 step 使用它自己的优化器")
    held = {id(p): p for group in groups(exam.case) for p in group["params"]}
    parameters = held or {id(p): p for p in exam.model.parameters() if p.requires_grad}
    return changed(exam.case, optimizer=make(list(parameters.values())), scheduler=None)


def renewed(exam: Examination, model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer like the case's own, with its settings, for another model."""
    if exam.case.step is not None and goes_backward(exam):
        raise Unsuitable(en="your step holds its own optimizer", zh="您的 step 使用它自己的优化器")
    if len(exam.case.optimizers) != 1 or len(groups(exam.case)) != 1:
        raise Unsuitable(
            en="the case has not exactly one optimizer with one group of parameters",
            zh="案例并非恰好有一个只含一组参数的优化器",
        )
    (own,) = exam.case.optimizers
    settings = {k: v for k, v in own.param_groups[0].items() if k in own.defaults}
    try:
        return type(own)(model.parameters(), **settings)
    except (TypeError, ValueError):
        raise Unsuitable(
            en=f"{type(own).__name__} cannot be made anew for another model",
            zh=f"无法为另一个模型重建 {type(own).__name__}",
        ) from None


def _momentum(exam: Examination) -> Case:
    for group in groups(exam.case):
        if "momentum" in group:
            group["momentum"] = MOMENTUM
        elif isinstance(group.get("betas"), tuple | list):
            group["betas"] = (MOMENTUM, *group["betas"][1:])
        else:
            raise Unsuitable(en="the optimizer has no momentum", zh="优化器没有动量")
    return exam.case


TRIALS: Final = (
    Trial(
        "adam",
        Text(en="Adam with rate 0.001", zh="使用学习率 0.001 的 Adam"),
        lambda exam: _exchanged(exam, lambda held: torch.optim.Adam(held, lr=ADAM_RATE)),
    ),
    Trial(
        "sgd-momentum",
        Text(en="SGD with rate 0.01 and momentum 0.9", zh="使用学习率 0.01、动量 0.9 的 SGD"),
        lambda exam: _exchanged(exam, lambda h: torch.optim.SGD(h, lr=SGD_RATE, momentum=MOMENTUM)),
    ),
    Trial("usual-momentum", Text(en="momentum 0.9", zh="动量 0.9"), _momentum),
)
