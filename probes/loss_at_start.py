"""Probe of the loss before any training: its value, against chance, and against the batch size.

Chance level at the start: Karpathy, "A recipe for training neural networks" (2019), and section 17
of the "37 reasons" (10 classes give 2.302).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, cut, lined_up, map_tensors, take_apart_like
from probes.probe import Probe
from probes.quantities.chance import chance_loss

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SAMPLES: Final = 32  # of which the loss is taken once and twice over


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `loss.*` about the untrained model."""
    recording = exam.recording
    yield exam.observe("loss.raises", recording.refusal is not None)
    if recording.refusal is not None:
        return
    initial = float(recording.loss)
    yield exam.observe("loss.initial", initial)
    yield exam.observe("loss.initial_finite", math.isfinite(initial))
    yield exam.observe("loss.has_graph", recording.loss_has_graph)
    chance = chance_loss(exam)
    exam.progress(0.6)
    if chance is not None:
        yield exam.observe("loss.chance", chance)
        if math.isfinite(initial) and chance > 0:
            yield exam.observe("loss.initial_over_chance", initial / chance)
    growth = _growth_with_batch(exam)
    if growth is not None:
        yield exam.observe("loss.grows_with_batch", growth)


def _growth_with_batch(exam: Examination) -> float | None:
    """Return loss(samples twice over) / loss(samples): 1 for a mean, 2 for a sum."""
    part = cut(exam.batch, _SAMPLES)
    twice = _twice(part)
    if twice is None:
        return None
    with exam.training(), torch.no_grad():
        for module in exam.model.modules():  # the same sample must count the same both times
            if isinstance(module, torch.nn.modules.dropout._DropoutNd):
                module.eval()
        exam.count_steps(1)
        once = float(exam.loss_of(part))
        try:
            both = float(exam.loss_of(twice))
        except Exception:  # a model that wants its samples in an order: sequences by length, say
            return None
    usable = math.isfinite(once) and math.isfinite(both) and once != 0
    return both / once if usable else None


def _twice(batch: Batch) -> Batch | None:
    if not lined_up(batch):
        return None
    return take_apart_like(batch, map_tensors(batch.raw, lambda t: torch.cat([t, t])))


PROBE = Probe(
    id="loss_at_start",
    title=Text(en="The loss before training", zh="训练前的损失"),
    needs=(),
    provides=(
        "loss.raises",
        "loss.initial",
        "loss.initial_finite",
        "loss.chance",
        "loss.initial_over_chance",
        "loss.grows_with_batch",
        "loss.has_graph",
    ),
    cost=2,
    measure=measure,
)
