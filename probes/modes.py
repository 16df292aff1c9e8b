"""Probe of training and evaluation mode: which modules are in which, and whether it matters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.recording.tracing import Tracer

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SAME: Final = 1e-5  # of the loss: what adding up in another order makes


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `mode.*`; the modes are those in which the model was handed over."""
    model = exam.model
    yield exam.observe("mode.training", model.training)
    resting = dict(resting_parts(model, "", True))
    if resting:
        yield exam.observe("mode.eval_modules", (True,) * len(resting), tuple(resting))
        frozen = all(is_frozen(module) for module in resting.values())
        yield exam.observe("mode.eval_frozen_only", frozen)
    matters = any(depends_on_mode(module) for module in model.modules())
    yield exam.observe("mode.matters", matters)
    if matters:
        modules = dict(model.named_modules())
        ran = [modules[path] for path in exam.recording.evaluating if path in modules]
        yield exam.observe("mode.step_evaluates", any(map(depends_on_mode, ran)))
    yield from _evaluated(exam, matters)


def resting_parts(module: nn.Module, path: str, parent: bool) -> Iterator[tuple[str, nn.Module]]:
    """Yield the topmost modules in evaluation mode that act differently because of it."""
    if parent and not module.training and _acts_differently(module):
        yield path or "model", module
        return
    for name, child in module.named_children():
        yield from resting_parts(child, f"{path}.{name}" if path else name, module.training)


def _acts_differently(module: nn.Module) -> bool:
    return any(depends_on_mode(part) and not part.training for part in module.modules())


def depends_on_mode(module: nn.Module) -> bool:
    """Return whether the module itself acts differently in training and evaluation mode."""
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return module.track_running_stats
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, nn.RNNBase):
        return float(module.dropout) > 0
    return isinstance(module, nn.MultiheadAttention) and module.dropout > 0


def is_frozen(module: nn.Module) -> bool:
    """Return whether no parameter of the module is trained."""
    return not any(parameter.requires_grad for parameter in module.parameters())


def _evaluated(exam: Examination, matters: bool) -> Iterator[Observation]:
    """Evaluate the batch twice: against training mode, and one time against the other."""
    dropping = any(op.probability for op in exam.recording.ops)
    if exam.recording.refusal is not None or not (matters or dropping):
        return
    tracer = Tracer(exam.model)
    with exam.training(), torch.no_grad():
        exam.model.eval()
        exam.count_steps(1)
        with tracer.watching():
            first = exam.loss_of(exam.batch)
        second = exam.loss_of(exam.batch)
    losses = torch.stack([exam.recording.loss, first.detach(), second.detach()]).double()
    trained, once, again = losses.tolist()
    if matters and math.isfinite(trained) and math.isfinite(once):
        yield exam.observe("mode.train_eval_gap", _difference(trained, once))
    if math.isfinite(once) and math.isfinite(again):
        yield exam.observe("mode.eval_is_random", _difference(once, again) > _SAME)
    yield from _still_dropping(exam, tracer)


def _difference(first: float, second: float) -> float:
    largest = max(abs(first), abs(second))
    return abs(first - second) / largest if largest else 0.0


def _still_dropping(exam: Examination, tracer: Tracer) -> Iterator[Observation]:
    """Tell where dropout works in evaluation mode, unless the user's step trains all the same."""
    if "" not in tracer.evaluating:
        return
    places = [op.where for op in tracer.ops if op.inside and op.probability]
    if places:
        yield exam.observe("mode.eval_dropout", (True,) * len(places), tuple(places))
    yield exam.observe("mode.eval_dropout_count", len(places))


PROBE = Probe(
    id="modes",
    title=Text(en="Training and evaluation mode", zh="训练模式与评估模式"),
    needs=(),
    provides=(
        "mode.training",
        "mode.eval_modules",
        "mode.eval_frozen_only",
        "mode.matters",
        "mode.step_evaluates",
        "mode.train_eval_gap",
        "mode.eval_is_random",
        "mode.eval_dropout",
        "mode.eval_dropout_count",
    ),
    cost=2,
    measure=measure,
)
