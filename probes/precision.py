"""Probe of reduced precision: whether half precision overflows where full precision does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.training.own_loop import own_loss
from probes.training.short_training import training_mode

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `amp.dtype` and `amp.loss_overflows`; nothing without autocast."""
    recording = exam.recording
    if recording.autocast is None:
        return
    yield exam.observe("amp.dtype", str(recording.autocast).removeprefix("torch."))
    broken = not bool(torch.isfinite(recording.loss))
    yield exam.observe("amp.loss_overflows", broken and _finite_in_full(exam))


def _finite_in_full(exam: Examination) -> bool:
    with exam.training():
        training_mode(exam.model)
        exam.count_steps(1)
        return bool(torch.isfinite(own_loss(exam, exam.batch, autocast=False)))


PROBE = Probe(
    id="precision",
    title=Text(en="Reduced precision", zh="低精度计算"),
    needs=("loss",),
    provides=("amp.dtype", "amp.loss_overflows"),
    cost=1,
    measure=measure,
)
