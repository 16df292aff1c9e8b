"""Probe of the gradients of one step: sizes, what gets none, and how they change with depth.

Sizes are compared relative to the weights (norm over norm), so a wide layer and a narrow one count
alike; the change per layer is a robust regression over depth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.fused import norms as norms_of
from probes.quantities.trend import factor_per_layer
from probes.recording.recording import Recording

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `gradient.*`."""
    gradients = exam.recording.gradients
    if not gradients:
        return
    norms = exam.recording.gradient_norms
    yield from _per_parameter(exam, gradients, norms)
    yield from _per_layer(exam, exam.recording, norms)


def _per_parameter(
    exam: Examination, gradients: Mapping[str, Tensor | None], norms: Mapping[str, float]
) -> Iterator[Observation]:
    where = tuple(gradients)
    missing = tuple(gradients[name] is None for name in where)
    zero = tuple(norms.get(name) == 0.0 for name in where)
    nonfinite = tuple(not math.isfinite(norms.get(name, 0.0)) for name in where)
    yield exam.observe("gradient.missing", missing, where)
    yield exam.observe("gradient.zero", zero, where)
    yield exam.observe("gradient.nonfinite", nonfinite, where)
    yield exam.observe("gradient.missing_share", sum(missing) / len(where))
    yield exam.observe("gradient.zero_share", sum(zero) / len(where))
    yield exam.observe("gradient.any_nonfinite", any(nonfinite))
    yield exam.observe("gradient.norm", _joint(norms.values()))


def _joint(norms: Iterable[float]) -> float:
    return math.hypot(*norms)


def _per_layer(
    exam: Examination, recording: Recording, norms: Mapping[str, float]
) -> Iterator[Observation]:
    parameters = dict(exam.model.named_parameters())
    layers = {
        name: [path for path in op.weights.parameters if path in norms and parameters[path].numel()]
        for name, op in recording.layers.items()
        if op.weights is not None
    }
    layers = {name: paths for name, paths in layers.items() if paths}
    if not layers:
        return
    used = [path for paths in layers.values() for path in paths]
    sizes = dict(zip(used, norms_of([parameters[path] for path in used]), strict=True))
    grads = {name: _joint([norms[path] for path in paths]) for name, paths in layers.items()}
    weights = {name: _joint([sizes[path] for path in paths]) for name, paths in layers.items()}
    counts = {name: sum(parameters[p].numel() for p in paths) for name, paths in layers.items()}
    where = tuple(layers)
    rms = tuple(grads[name] / math.sqrt(counts[name]) for name in where)
    relative = tuple(_ratio(grads[name], weights[name]) for name in where)
    yield exam.observe("gradient.rms", rms, where)
    yield exam.observe("gradient.relative", relative, where)
    depths = [recording.layers[name].depth for name in where]
    for name, value in over_depth(depths, relative).items():
        yield exam.observe(name, value)


def _ratio(gradient: float, weight: float) -> float:
    if weight:
        return gradient / weight
    return math.inf if gradient else 0.0


def over_depth(depths: Sequence[int], relative: Sequence[float]) -> dict[str, float]:
    """Compare early with late layers; layers without any gradient are no part of a decay.

    `relative`: norm of the gradient over that of the weights, per layer. Returns the facts
    `gradient.first_over_last` and `gradient.decay` as far as they can be told.
    """
    ranked = [value for _, value in sorted(zip(depths, relative, strict=True), key=lambda e: e[0])]
    if len(ranked) < 3 or not all(map(math.isfinite, ranked)):
        return {}
    found = {}
    quarter = max(1, len(ranked) // 4)
    first, last = (_rms(part) for part in (ranked[:quarter], ranked[-quarter:]))
    if last > 0:
        found["gradient.first_over_last"] = first / last
    growth = factor_per_layer(depths, relative)
    if growth is not None:
        found["gradient.decay"] = 1.0 / growth
    return found


def _rms(values: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))


PROBE = Probe(
    id="gradients",
    title=Text(en="Gradients of one step", zh="一步训练的梯度"),
    needs=("loss",),
    provides=(
        "gradient.rms",
        "gradient.norm",
        "gradient.first_over_last",
        "gradient.decay",
        "gradient.relative",
        "gradient.zero",
        "gradient.missing",
        "gradient.missing_share",
        "gradient.zero_share",
        "gradient.nonfinite",
        "gradient.any_nonfinite",
    ),
    cost=1,
    measure=measure,
)
