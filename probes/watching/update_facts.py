"""Gradients and updates of the parameters, as facts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from expert.observation import Observation
from probes.gradients import over_depth
from probes.watching.schedule import DENSE
from probes.watching.settings import ORIGIN
from probes.watching.updates import Stepped, Weight
from probes.watching.watcher import Watcher

_LISTED: Final = 256


def update_facts(watcher: Watcher) -> Iterator[Observation]:
    """Give `gradient.*` and `update.*` of the main model's parameters."""
    main = watcher.settings.main
    if main is None:
        return
    found = [
        (name, weight)
        for key, name in main.names.items()
        if (weight := _weight(watcher, key)) is not None and weight.looked
    ]
    if not found:
        return
    names, weights = tuple(n for n, _ in found), [w for _, w in found]
    missing = tuple(weight.missing == weight.looked for weight in weights)
    zero = tuple(bool(w.gradient) and w.zero >= len(w.gradient) for w in weights)
    bad = tuple(weight.nonfinite_step is not None for weight in weights)
    yield from _flags("gradient.missing", missing, names)
    yield Observation("gradient.missing_share", sum(missing) / len(missing), (), ORIGIN)
    yield from _flags("gradient.zero", zero, names)
    yield Observation("gradient.zero_share", sum(zero) / len(zero), (), ORIGIN)
    if any(bad):
        steps = [w.nonfinite_step for w in weights if w.nonfinite_step is not None]
        yield Observation("watch.nonfinite_gradient_step", min(steps), (), ORIGIN)
    yield from _sizes(names, weights)
    yield from _over_depth(main.order, names, weights)


def _weight(watcher: Watcher, key: int) -> Weight | None:
    steps: list[Stepped] = list(watcher.updates.seen.values())
    return next((seen.weights[key] for seen in steps if key in seen.weights), None)


def _flags(name: str, values: tuple[bool, ...], names: tuple[str, ...]) -> Iterator[Observation]:
    if len(names) <= _LISTED:
        yield Observation(name, values, names, ORIGIN)


def _over_depth(
    order: dict[str, int], names: tuple[str, ...], weights: list[Weight]
) -> Iterator[Observation]:
    """Give how gradients change with depth, along the layers as the forward pass takes them."""
    relative = {}
    for name, weight in zip(names, weights, strict=True):
        layer, _, _ = name.rpartition(".")
        pairs = zip(weight.gradient, weight.weight, strict=True)
        sizes = [gradient / size for gradient, size in pairs if size > 0]
        if layer in order and weight.dimensions > 1 and sizes:
            relative[layer] = statistics.median(sizes)
    layers = sorted(relative, key=lambda layer: order[layer])
    if not layers:
        return
    yield Observation("model.depth", len(layers), (), ORIGIN)
    for name, value in over_depth(range(len(layers)), [relative[one] for one in layers]).items():
        yield Observation(name, value, (), ORIGIN)


def _median(ratios: Sequence[float]) -> float | None:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return statistics.median(finite) if finite else None


def _sizes(names: tuple[str, ...], weights: list[Weight]) -> Iterator[Observation]:
    ratios = {
        name: ratio
        for name, weight in zip(names, weights, strict=True)
        if (ratio := _median(weight.ratios)) is not None
    }
    if ratios and len(ratios) <= _LISTED:
        yield Observation("update.ratio", tuple(ratios.values()), tuple(ratios), ORIGIN)
    if ratios:
        yield Observation("update.ratio_median", statistics.median(ratios.values()), (), ORIGIN)
        yield Observation("update.ratio_max", max(ratios.values()), (), ORIGIN)
    first = [_median(weight.ratios[:DENSE]) for weight in weights]
    at_start = [ratio for ratio in first if ratio is not None]
    if at_start:  # the looks at the start are taken on every machine, however busy
        yield Observation("update.ratio_at_start", statistics.median(at_start), (), ORIGIN)
    pushed = [w for w in weights if w.ratios and any(g > 0 for g in w.gradient)]
    if pushed:
        stayed = sum(weight.stayed >= len(weight.ratios) for weight in pushed)
        yield Observation("update.unchanged_share", stayed / len(pushed), (), ORIGIN)
