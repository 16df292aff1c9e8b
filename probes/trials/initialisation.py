"""Treatments of the initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from probes.case.batches import call_model
from probes.case.case import Case
from probes.quantities.hidden import hidden_modules
from probes.quantities.task import class_labels, infer, targets_of
from probes.running.examination import Examination
from probes.trials.trial import Trial, Unsuitable

SEED: Final = 20_011
_NO_LAST_BIAS: Final = Unsuitable(
    en="the last layer has no bias to begin at the mean target",
    zh="最后一层没有可从目标均值开始的偏置",
)
_KERNELS: Final = (nn.Linear, nn.modules.conv._ConvNd)


def kaiming(model: nn.Module) -> None:
    """Initialise as He and others (2015) for rectifiers; the last layer with gain 1."""
    initialise(model, _he)


def _he(weight: Tensor, last: bool) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="linear" if last else "relu")


def _glorot(weight: Tensor, last: bool) -> None:
    nn.init.xavier_normal_(weight)


def _lecun(weight: Tensor, last: bool) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="linear")  # variance 1 / inputs


def initialise(model: nn.Module, fill: Callable[[Tensor, bool], None]) -> None:
    """Initialise kernels with `fill(weight, is_last)`, biases with 0.

    Layers with an initialisation of their own (normalisation, recurrent) are reset to it.
    """
    torch.manual_seed(SEED)
    layers = [module for module in _modules(model) if _own_tensors(module)]
    kernels = [layer for layer in layers if isinstance(layer, _KERNELS)]
    for layer in layers:
        if isinstance(layer, _KERNELS):
            fill(layer.weight, layer is kernels[-1])
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif not _reset(layer):
            _plain(layer)


def _modules(model: nn.Module) -> list[nn.Module]:
    hidden = [inner for module in hidden_modules(model).values() for inner in module.modules()]
    return [*model.modules(), *hidden]


def _own_tensors(module: nn.Module) -> list[Tensor]:
    return list(module.parameters(recurse=False))


def _reset(module: nn.Module) -> bool:
    reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    if reset is None:
        return False
    reset()
    return True


def _plain(module: nn.Module) -> None:
    """Initialise matrices of the user's own: which axis is which is unknown, so as Glorot did."""
    for values in _own_tensors(module):
        if values.dim() >= 2:
            nn.init.xavier_normal_(values)


def _filled(fill: Callable[[Tensor, bool], None]) -> Callable[[Examination], Case]:
    def apply(exam: Examination) -> Case:
        initialise(exam.model, fill)
        return exam.case

    return apply


def _unit_size(exam: Examination) -> Case:
    """Scale every layer so that its outputs have deviation 1 on a batch (Mishkin, Matas 2016)."""
    layers = [m for m in exam.model.modules() if isinstance(m, _KERNELS)]
    if not layers:
        raise Unsuitable(en="there is no linear or convolutional layer", zh="没有线性层或卷积层")
    initialise(exam.model, _lecun)

    def scale(module: nn.Module, given: Any, output: Any) -> Any:
        deviation = output.detach().float().std()
        if not bool(deviation > 0) or not bool(torch.isfinite(deviation)):
            return output
        module.weight.data.div_(deviation)  # type: ignore[operator]
        return output / deviation  # biases are 0

    hooks = [layer.register_forward_hook(scale) for layer in layers]
    try:
        with torch.no_grad():
            call_model(exam.model, exam.batch.inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return exam.case


def _bias_at_the_mean(exam: Examination) -> Case:
    """Let the last layer begin at what the best constant answer is."""
    layers = [m for m in exam.model.modules() if isinstance(m, nn.Linear) and m.bias is not None]
    task, targets = infer(exam), targets_of(exam)
    if not layers or not targets:
        raise _NO_LAST_BIAS
    bias, every = layers[-1].bias, torch.cat([t.reshape(t.shape[0], -1) for t in targets])
    labels = class_labels(task, targets)
    if task.kind == "continuous":
        wanted = every.float().mean(0)
    elif task.kind in ("binary", "multi-label"):
        wanted = torch.logit(every.float().mean(0), eps=1e-4)
    elif labels is not None:
        count = torch.bincount(torch.cat(labels), minlength=len(bias)).float()
        wanted = (count / count.sum()).clamp(min=1e-4).log()
    else:
        raise _NO_LAST_BIAS
    if wanted.shape != bias.shape:
        raise _NO_LAST_BIAS
    with torch.no_grad():
        bias.copy_(wanted)
    return exam.case


def _reseeded(exam: Examination) -> Case:
    torch.manual_seed(SEED + 1)
    done = [_reset(module) for module in _modules(exam.model) if _own_tensors(module)]
    if not any(done):
        raise Unsuitable(en="no layer can initialise itself anew", zh="没有可以重新初始化自身的层")
    return exam.case


TRIALS: Final = (
    Trial(
        "kaiming-initialisation",
        Text(en="weights initialised anew (He)", zh="重新初始化权重（He）"),
        _filled(_he),
    ),
    Trial(
        "xavier-initialisation",
        Text(en="weights initialised anew (Xavier)", zh="重新初始化权重（Xavier）"),
        _filled(_glorot),
    ),
    Trial(
        "lecun-initialisation",
        Text(en="weights initialised anew (LeCun)", zh="重新初始化权重（LeCun）"),
        _filled(_lecun),
    ),
    Trial(
        "unit-size-activations",
        Text(
            en="weights scaled so that every layer puts out values of size 1",
            zh="缩放权重，使每层输出的大小为 1",
        ),
        _unit_size,
    ),
    Trial(
        "bias-at-the-mean",
        Text(en="the last bias begins at the mean target", zh="最后的偏置从目标均值开始"),
        _bias_at_the_mean,
    ),
    Trial("another-seed", Text(en="another random seed", zh="换一个随机种子"), _reseeded),
)
