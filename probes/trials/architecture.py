"""Treatments of the architecture: wider, shallower, deeper, normalised, with activations.

The size of a network is changed where it is a chain of layers, each fed by the one before it, with
nothing in between: `nn.Sequential`, or a forward that comes to the same. Others are refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expert.language import Text
from probes.case.batches import call_model
from probes.case.case import Case
from probes.recording import ops
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.initialisation import SEED
from probes.trials.optimisers import renewed
from probes.trials.rewriting import AS_IT_IS, Rewrite, in_model
from probes.trials.trial import Trial, Unsuitable, changed

WIDEST: Final = 256  # of what is widened: enough to learn by heart what a trial shows
SHALLOW: Final = 2  # hidden layers that are left
_WEIGHTED: Final = (nn.Linear, nn.modules.conv._ConvNd)
_NORMS: Final = nn.modules.batchnorm._NormBase
_NO_CHAIN: Final = Unsuitable(
    en="the model is no plain chain of layers that a program can rebuild (nn.Sequential)",
    zh="模型不是可由程序重建的简单层序列（nn.Sequential）",
)


def _chain(exam: Examination) -> list[nn.Module]:
    """Return the model's layers, each of which gets exactly what the one before it gave."""
    calls: list[tuple[nn.Module, Any, Any]] = []
    leaves = [m for m in exam.model.modules() if next(m.children(), None) is None]

    def note(module: nn.Module, given: Any, output: Any) -> None:
        calls.append((module, given[0] if len(given) == 1 else None, output))

    inputs = exam.batch.inputs
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        with torch.no_grad():
            result = call_model(exam.model, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    given = calls[0][1] if calls else None  # what the model is called with, or a copy of it
    if not isinstance(given, Tensor) or given.shape != getattr(inputs, "shape", None):
        raise _NO_CHAIN
    for _, got, output in calls:
        if got is not given or not isinstance(output, Tensor):
            raise _NO_CHAIN
        given = output
    modules = [module for module, _, _ in calls]
    if given is not result or len({id(module) for module in modules}) < len(modules):
        raise _NO_CHAIN
    return modules


def _hidden(modules: Sequence[nn.Module]) -> list[int]:
    """Return the places of the weight layers but the last."""
    return [n for n, module in enumerate(modules) if isinstance(module, _WEIGHTED)][:-1]


def _rebuilt(exam: Examination, modules: list[nn.Module]) -> Case:
    """Return the case with these layers as its model, and an optimizer like its own for them."""
    like = next(exam.model.parameters())
    model = nn.Sequential(*modules).to(like.device, like.dtype)
    if exam.model.training:
        model.train()
    with torch.no_grad():
        try:
            model(exam.batch.inputs)
        except RuntimeError:
            raise _NO_CHAIN from None
    return changed(exam.case, model=model, optimizer=renewed(exam, model), scheduler=None)


def with_outputs(exam: Examination, count: int) -> Case:
    """Return the case with as many outputs, from a last layer that is new."""
    modules = _chain(exam)
    place = len(modules) - 1
    while place >= 0 and not isinstance(modules[place], nn.Linear):
        place -= 1
    last = modules[place] if place >= 0 else None
    if not isinstance(last, nn.Linear):
        raise _NO_CHAIN
    torch.manual_seed(SEED)
    return _rebuilt(exam, [*modules[:place], nn.Linear(last.in_features, count)])


def _wider(exam: Examination) -> Case:
    torch.manual_seed(SEED)
    modules, wide = _chain(exam), 1
    last = (
        len(modules)
        - 1
        - next(
            (n for n, module in enumerate(reversed(modules)) if isinstance(module, _WEIGHTED)), 0
        )
    )
    made: list[nn.Module] = []
    for place, module in enumerate(modules):
        made.append(_widened(module, wide, grows=place != last))
        if isinstance(module, _WEIGHTED):
            wide = _width(made[-1]) // _width(module) if place != last else 1
    if all(new is old for new, old in zip(made, modules, strict=True)):
        raise Unsuitable(en="no hidden layer is narrow", zh="没有狭窄的隐藏层")
    return _rebuilt(exam, made)


def _width(module: nn.Module) -> int:
    return int(getattr(module, "out_features", 0) or getattr(module, "out_channels", 0))


def _widened(module: nn.Module, wide: int, *, grows: bool) -> nn.Module:
    """Return a layer for inputs `wide` times as many, itself widened where it grows."""
    if isinstance(module, nn.Linear):
        times = max(WIDEST // module.out_features, 1) if grows else 1
        if wide == times == 1:
            return module
        outputs, bias = module.out_features * times, module.bias is not None
        return nn.Linear(module.in_features * wide, outputs, bias)
    if isinstance(module, nn.modules.conv._ConvNd):
        times = max(WIDEST // 2 // module.out_channels, 1) if grows else 1
        if wide == times == 1:
            return module
        if module.groups != 1 or module.transposed:
            raise _NO_CHAIN
        kind: Any = type(module)
        return kind(  # type: ignore[no-any-return]
            module.in_channels * wide,
            module.out_channels * times,
            module.kernel_size,
            module.stride,
            module.padding,
            module.dilation,
            bias=module.bias is not None,
        )
    if wide == 1 or next(module.parameters(), None) is None:
        return module
    if isinstance(module, _NORMS):
        norm: Any = type(module)
        return norm(module.num_features * wide, module.eps, module.momentum)  # type: ignore[no-any-return]
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1:
        return nn.LayerNorm(module.normalized_shape[0] * wide, module.eps)
    raise _NO_CHAIN


def _shallower(exam: Examination) -> Case:
    modules = _chain(exam)
    hidden = _hidden(modules)
    if len(hidden) <= SHALLOW:
        raise Unsuitable(
            en=f"the model has no more than {SHALLOW} hidden layers",
            zh=f"模型的隐藏层不超过 {SHALLOW} 层",
        )
    keep, last = hidden[SHALLOW], hidden[-1] + 1
    while not isinstance(modules[last], _WEIGHTED):
        last += 1
    final, before = modules[last], modules[hidden[SHALLOW - 1]]
    kept = [copy.deepcopy(module) for module in modules[:keep]]
    if isinstance(final, nn.Linear) and isinstance(before, nn.Linear):
        torch.manual_seed(SEED)
        final = nn.Linear(before.out_features, final.out_features, final.bias is not None)
    return _rebuilt(exam, [*kept, final, *modules[last + 1 :]])


def _deeper(exam: Examination) -> Case:
    modules = _chain(exam)
    hidden = _hidden(modules)
    if not hidden:
        raise Unsuitable(en="the model has no hidden layer", zh="模型没有隐藏层")
    place = hidden[-1]
    end = place + 1
    while not isinstance(modules[end], _WEIGHTED):
        end += 1
    torch.manual_seed(SEED)
    layer = modules[place]
    if not isinstance(layer, nn.Linear):
        raise _NO_CHAIN
    more = nn.Linear(layer.out_features, layer.out_features, layer.bias is not None)
    nn.init.kaiming_normal_(more.weight, nonlinearity="relu")
    between = [copy.deepcopy(module) for module in modules[place + 1 : end]]
    return _rebuilt(exam, [*modules[:end], more, *between, *modules[end:]])


def _after_hidden(exam: Examination, then: Callable[[Call, Tensor], Tensor]) -> Case:
    """Change what every weight layer but the last puts out, in any model."""
    names = [op.name for op in exam.recording.weighted if op.name in ops.LINEAR | ops.CONVOLUTIONS]
    count = len(names)
    if count < 2 or count < len(exam.recording.weighted):
        raise Unsuitable(
            en="the model is not made of linear and convolutional layers alone",
            zh="模型不只由线性层和卷积层构成",
        )

    def make() -> Rewrite:
        seen = 0

        def rewrite(call: Call) -> Any:
            nonlocal seen
            if call.name not in ops.LINEAR | ops.CONVOLUTIONS:
                return AS_IT_IS
            seen += 1
            result = call.func(*call.args, **call.kwargs)
            return then(call, result) if seen < count and isinstance(result, Tensor) else result

        return rewrite

    in_model(exam, make)
    return exam.case


def _normalised(exam: Examination) -> Case:
    def normalise(call: Call, values: Tensor) -> Tensor:
        if call.name in ops.CONVOLUTIONS:
            return F.group_norm(values, 1)
        return F.layer_norm(values, values.shape[-1:]) if values.shape[-1] > 1 else values

    return _after_hidden(exam, normalise)


def _with_activations(exam: Examination) -> Case:
    inner = [op for op in exam.recording.ops if op.inside and op.is_activation and op.activation]
    last = exam.recording.output_last.name
    if any(op.name != last or op is not inner[-1] for op in inner):
        raise Unsuitable(en="there are activations already", zh="模型中已有激活函数")
    return _after_hidden(exam, lambda call, values: values.relu())


TRIALS: Final = (
    Trial("wider", Text(en="wider hidden layers", zh="加宽隐藏层"), _wider),
    Trial("shallower", Text(en="two hidden layers only", zh="只保留两个隐藏层"), _shallower),
    Trial("deeper", Text(en="one hidden layer more", zh="增加一个隐藏层"), _deeper),
    Trial(
        "normalisation-layers",
        Text(en="hidden layers normalised", zh="对隐藏层做归一化"),
        _normalised,
    ),
    Trial(
        "activations-added",
        Text(en="ReLU after each hidden layer", zh="每个隐藏层后加 ReLU"),
        _with_activations,
    ),
)
