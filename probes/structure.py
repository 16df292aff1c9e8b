"""Probe of the model's structure: depth, widths, missing nonlinearities, unregistered parameters.

Everything is read from the data flow of one observed forward, so layers are seen however they are
written: as modules, as functions or as a product with a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from torch import nn

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.hidden import hidden_parameters
from probes.recording import ops
from probes.recording.flow import feeding_weights, has_nonlinearity, linear_pairs
from probes.recording.recording import Recording

if TYPE_CHECKING:
    from probes.running.examination import Examination

_BATCH_NORMS: Final = nn.modules.batchnorm._BatchNorm


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `model.*` and `parameters.unregistered`."""
    recording = exam.recording
    yield from _size(exam, recording)
    yield from _layers(exam, recording)
    yield from _chains(exam, recording)
    yield from _regularisers(exam, recording)
    yield from _unregistered(exam, recording)


def _size(exam: Examination, recording: Recording) -> Iterator[Observation]:
    parameters = sum(parameter.numel() for parameter in exam.model.parameters())
    yield exam.observe("model.parameters", parameters)
    yield exam.observe("model.parameters_per_sample", parameters / max(1, _samples(exam)))
    if not recording.weighted:
        return  # a scripted model: nothing inside is to be seen
    deepest = max((op.depth for op in recording.ops if op.inside), default=0)
    layers = sum(op.weights.layers for op in recording.layers.values() if op.weights)
    yield exam.observe("model.depth", min(deepest, layers))  # a layer used twice counts once


def _samples(exam: Examination) -> int:
    """Return how many training samples there are, as far as the loader tells."""
    try:
        return len(exam.case.train_loader.dataset)
    except (AttributeError, TypeError):
        drawn = sum(batch.size for batch in exam.batches)
    try:
        return max(drawn, len(exam.case.train_loader) * exam.batches[0].size)
    except TypeError:
        return drawn


def _layers(exam: Examination, recording: Recording) -> Iterator[Observation]:
    layers = {name: op for name, op in recording.layers.items() if op.weights is not None}
    widths = {name: op.weights.width for name, op in layers.items() if op.weights is not None}
    if not widths:
        return
    yield exam.observe("model.widths", tuple(widths.values()), tuple(widths))
    hidden = feeding_weights(recording.ops)
    inner = [widths[name] for name, op in layers.items() if op.index in hidden]
    if inner:
        yield exam.observe("model.narrowest_width", min(inner))


def _chains(exam: Examination, recording: Recording) -> Iterator[Observation]:
    if not recording.weighted:
        return
    pairs = linear_pairs(recording.ops)
    names = [
        f"{first.weights.layer} -> {second.weights.layer}"
        for first, second in pairs
        if first.weights is not None and second.weights is not None
    ]
    if names:
        yield exam.observe("model.linear_chains", (True,) * len(names), tuple(names))
    yield exam.observe("model.linear_chain_count", len(names))
    yield exam.observe("model.has_nonlinearity", has_nonlinearity(recording.ops))
    yield exam.observe("model.normalises_input", _normalises_input(recording))


def _normalises_input(recording: Recording) -> bool:
    """Return whether the first thing done to the input is to normalise it."""
    before: set[str] = set()
    for op in recording.ops:
        if not op.inside or not op.data or op.name in ops.RESHAPING:
            continue
        if op.name in ops.NORMALISATIONS:
            return True
        if op.learned:
            break
        before.add(op.name)
    return "sub" in before and bool({"div", "mul"} & before)


def _regularisers(exam: Examination, recording: Recording) -> Iterator[Observation]:
    modules = list(exam.model.modules())
    normed = any(isinstance(module, _BATCH_NORMS) for module in modules)
    seen = any(op.name == "batch_norm" and op.inside for op in recording.ops)
    yield exam.observe("model.has_batchnorm", normed or seen)
    dropped = [op.probability for op in recording.ops if op.inside]
    declared = [float(p) for module in modules for p in _dropout_of(module)]
    largest = max([*dropped, *declared], default=0.0)
    yield exam.observe("model.has_dropout", largest > 0)
    yield exam.observe("model.dropout_max", largest)


def _dropout_of(module: nn.Module) -> list[float]:
    """Return the drop probabilities that a module of torch's own is set to."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return [module.p]
    value = getattr(module, "dropout", 0.0) if isinstance(module, nn.RNNBase) else 0.0
    return [float(value)]


def _unregistered(exam: Examination, recording: Recording) -> Iterator[Observation]:
    names = unregistered(exam, recording)
    if names:
        yield exam.observe("parameters.unregistered", (True,) * len(names), tuple(names))
    yield exam.observe("parameters.unregistered_count", len(names))


def unregistered(exam: Examination, recording: Recording) -> list[str]:
    """Return what the loss depends on but neither `model.parameters()` nor an optimizer holds.

    A layer kept in a list on purpose (a teacher, a frozen encoder) is not part of the loss's graph.
    """
    hidden = {id(tensor): name for name, tensor in hidden_parameters(exam.model).items()}
    groups = [group for optimizer in exam.case.optimizers for group in optimizer.param_groups]
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    loss_fn = exam.case.loss_fn
    if isinstance(loss_fn, nn.Module):
        trained |= {id(parameter) for parameter in loss_fn.parameters()}
    if not recording.loss_has_graph:
        return [name for key, name in hidden.items() if key not in trained]
    used = [leaf for leaf in recording.foreign_leaves if id(leaf) not in trained]
    return [
        hidden.get(id(leaf), f"unnamed {tuple(leaf.shape)}")
        for leaf in used
        if id(leaf) in hidden or isinstance(leaf, nn.Parameter)
    ]


PROBE = Probe(
    id="structure",
    title=Text(en="Structure of the model", zh="模型结构"),
    needs=(),
    provides=(
        "model.depth",
        "model.parameters",
        "model.parameters_per_sample",
        "model.widths",
        "model.narrowest_width",
        "model.linear_chains",
        "model.linear_chain_count",
        "model.has_nonlinearity",
        "model.has_batchnorm",
        "model.has_dropout",
        "model.dropout_max",
        "model.normalises_input",
        "parameters.unregistered",
        "parameters.unregistered_count",
    ),
    cost=1,
    measure=measure,
)
