"""Probe of the activations: their scale from layer to layer, dead units, saturated units.

A unit is dead when it is exactly 0 for every sample seen (at every position, for a convolution's
channel). One batch leaves rare but living units looking dead, so while more than a few of a layer
do, further batches are run forward, up to about a thousand samples, until two in a row bring no
further unit to life.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import cut
from probes.probe import Probe
from probes.quantities.trend import factor_per_layer
from probes.recording.living import dead_shares, living_in, living_units, merge
from probes.recording.measured import read
from probes.recording.operation import Op

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAMPLES: Final = 1024
FURTHER_BATCHES: Final = 4
HARMLESS: Final = 0.01  # of a layer's units: so few may be dead, and need not be looked into
IN_VAIN: Final = 2  # batches in a row that wake no unit: more would not either
FORWARDS_PER_STEP: Final = 3  # a backward costs about two forwards
LAYERS_LISTED: Final = 1024  # a network unrolled over time has thousands of calls


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `activation.*`."""
    trace = exam.recording.ops
    yield from _scale(exam, _measured(exam.recording.weighted))
    functions = _measured([op for op in trace if op.is_activation and op.inside])
    if functions:
        names, kinds = (
            tuple(entry) for entry in zip(*((o.where, o.name) for o in functions), strict=True)
        )
        yield exam.observe("activation.kind", kinds, names)
    yield from _saturation(exam, functions)
    yield from _deadness(exam, functions)


def _measured(found: Sequence[Op]) -> list[Op]:
    return [op for op in found if op.measured is not None][:LAYERS_LISTED]


def _rows(found: Sequence[Op]) -> list[list[float]]:
    return read([op.measured for op in found if op.measured is not None])


def _scale(exam: Examination, layers: Sequence[Op]) -> Iterator[Observation]:
    if not layers:
        return
    rows, where = _rows(layers), tuple(op.where for op in layers)
    std = tuple(row[1] for row in rows)
    yield exam.observe("activation.std", std, where)
    yield exam.observe("activation.mean", tuple(row[0] for row in rows), where)
    yield exam.observe("activation.nonfinite", tuple(row[2] == 0 for row in rows), where)
    growth = factor_per_layer([op.depth for op in layers], std)
    if growth is not None:
        yield exam.observe("activation.growth", growth)


def _saturation(exam: Examination, functions: Sequence[Op]) -> Iterator[Observation]:
    shares = [(op.where, row[3]) for op, row in zip(functions, _rows(functions), strict=True)]
    shares = [(where, share) for where, share in shares if share >= 0]
    if shares:
        where, values = zip(*shares, strict=True)
        yield exam.observe("activation.saturated_share", values, where)


def _deadness(exam: Examination, functions: Sequence[Op]) -> Iterator[Observation]:
    alive = living_in(functions)
    if not alive:
        return
    with exam.training(), _without_graph(exam):
        exam.wake()
        samples = _see_more(exam, alive)
    dead = dead_shares(alive)
    yield exam.observe("activation.dead_share", tuple(dead.values()), tuple(dead))
    yield exam.observe("activation.dead_share_max", max(dead.values()))
    yield exam.observe("activation.dead_share_mean", sum(dead.values()) / len(dead))
    yield exam.observe("activation.dead_samples", samples)


def _without_graph(exam: Examination) -> AbstractContextManager[object]:
    """Return what saves the graph, unless the user's own step is in want of it."""
    return torch.no_grad() if exam.case.step is None else nullcontext()


def _see_more(exam: Examination, alive: dict[str, Tensor]) -> int:
    """Run further batches while any unit looks dead; return how many samples were seen."""
    samples = exam.batch.size
    whole = exam.batches[0]
    rest = exam.batches[1:] if whole.size == samples else [cut(whole, SAMPLES), *exam.batches[1:]]
    shares, in_vain = dead_shares(alive), 0
    for number, batch in enumerate(rest[:FURTHER_BATCHES]):
        if max(shares.values()) < HARMLESS or in_vain == IN_VAIN or samples >= SAMPLES:
            break
        exam.progress(number / FURTHER_BATCHES)
        merge(alive, living_units(exam, batch))
        before, shares = shares, dead_shares(alive)
        in_vain = in_vain + 1 if shares == before else 0
        if number % FORWARDS_PER_STEP == 0:
            exam.count_steps(1)
        samples += batch.size
    return samples


PROBE = Probe(
    id="activations",
    title=Text(en="Activations of the layers", zh="各层的激活值"),
    needs=("loss",),
    provides=(
        "activation.std",
        "activation.mean",
        "activation.nonfinite",
        "activation.growth",
        "activation.kind",
        "activation.saturated_share",
        "activation.dead_share",
        "activation.dead_share_max",
        "activation.dead_share_mean",
        "activation.dead_samples",
    ),
    cost=3,
    measure=measure,
)
