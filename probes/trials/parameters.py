"""Treatments of which parameters are trained, and of the model's mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from expert.language import Text
from probes.case.case import Case
from probes.optimizer import groups
from probes.quantities.hidden import hidden_modules, hidden_parameters
from probes.running.examination import Examination
from probes.trials.trial import Trial, Unsuitable

NORM_MOMENTUM: Final = 0.1  # PyTorch's default


def _unfrozen(exam: Examination) -> Case:
    frozen = [p for p in exam.model.parameters() if not p.requires_grad]
    if not frozen:
        raise Unsuitable(en="nothing is frozen", zh="没有被冻结的参数")
    for parameter in frozen:
        parameter.requires_grad_(True)
    _optimise(exam.case, frozen)
    return exam.case


def _all_optimised(exam: Examination) -> Case:
    trainable = [p for p in exam.model.parameters() if p.requires_grad]
    if not _optimise(exam.case, trainable):
        raise Unsuitable(en="the optimizer holds every parameter", zh="优化器已包含全部参数")
    return exam.case


def _optimise(case: Case, parameters: Sequence[Tensor]) -> bool:
    """Add what the optimizers do not hold to the first group; returns whether any was missing."""
    held = {id(p) for group in groups(case) for p in group["params"]}
    missing = [parameter for parameter in parameters if id(parameter) not in held]
    if missing and not case.optimizers:
        raise Unsuitable(en="the case has no optimizer", zh="案例中没有优化器")
    if missing:
        case.optimizers[0].param_groups[0]["params"].extend(missing)
    return bool(missing)


def _registered(exam: Examination) -> Case:
    hidden = list(hidden_parameters(exam.model).values())
    if not hidden:
        raise Unsuitable(en="every layer is registered", zh="所有层都已注册")
    for number, module in enumerate(hidden_modules(exam.model).values()):
        exam.model.add_module(f"registered_{number}", module)
    _optimise(exam.case, hidden)
    return exam.case


def _training(exam: Examination) -> Case:
    if all(module.training for module in exam.model.modules()):
        raise Unsuitable(en="the model is in training mode", zh="模型已处于训练模式")
    exam.model.train()
    return exam.case


def _norms(exam: Examination) -> list[nn.modules.batchnorm._NormBase]:
    kind = nn.modules.batchnorm._NormBase
    found = [m for m in exam.model.modules() if isinstance(m, kind) and m.track_running_stats]
    if not found:
        raise Unsuitable(en="there is no batch norm with statistics", zh="没有带统计量的批归一化")
    return found


def _evaluated_norms(exam: Examination) -> Case:
    for norm in _norms(exam):
        norm.eval()
    return exam.case


def _usual_norm_momentum(exam: Examination) -> Case:
    norms = _norms(exam)
    if all(norm.momentum == NORM_MOMENTUM for norm in norms):
        raise Unsuitable(en="the momentum is 0.1", zh="动量已是 0.1")
    for norm in norms:
        norm.momentum = NORM_MOMENTUM
    return exam.case


TRIALS: Final = (
    Trial("unfrozen", Text(en="frozen parameters trained too", zh="解冻被冻结的参数"), _unfrozen),
    Trial(
        "all-parameters-in-optimizer",
        Text(en="all parameters in the optimizer", zh="优化器包含全部参数"),
        _all_optimised,
    ),
    Trial(
        "registered-parameters",
        Text(en="hidden layers registered and optimised", zh="注册隐藏的层并加入优化器"),
        _registered,
    ),
    Trial("training-mode", Text(en="the model in training mode", zh="模型处于训练模式"), _training),
    Trial(
        "batch-norm-evaluation",
        Text(en="batch norm in evaluation mode", zh="批归一化处于评估模式"),
        _evaluated_norms,
    ),
    Trial(
        "batch-norm-momentum",
        Text(en="batch norm with momentum 0.1", zh="批归一化动量 0.1"),
        _usual_norm_momentum,
        goal="validation",
    ),
)
