"""Treatments of the initial weights."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from expert.language import Text
from probes.case.case import Case
from probes.quantities.hidden import hidden_modules
from probes.running.examination import Examination
from probes.trials.trial import Trial, Unsuitable

SEED: Final = 20_011
_KERNELS: Final = (nn.Linear, nn.modules.conv._ConvNd)


def kaiming(model: nn.Module) -> None:
    """Initialise as He and others (2015) for rectifiers; the last layer with gain 1, biases 0.

    Layers with an initialisation of their own (normalisation, recurrent) are reset to it.
    """
    torch.manual_seed(SEED)
    layers = [module for module in _modules(model) if _own_tensors(module)]
    kernels = [layer for layer in layers if isinstance(layer, _KERNELS)]
    for layer in layers:
        if isinstance(layer, _KERNELS):
            last = layer is kernels[-1]
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if last else "relu")
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


def _kaiming(exam: Examination) -> Case:
    kaiming(exam.model)
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
        _kaiming,
    ),
    Trial("another-seed", Text(en="another random seed", zh="换一个随机种子"), _reseeded),
)
