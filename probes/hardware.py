"""Probe of the device: what training takes on it, and whether a faster one stands idle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from expert.language import Text
from expert.observation import Observation
from probes.own_rate import length
from probes.probe import Probe
from probes.training.short_training import can_train, step, training_mode

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `hardware.*`; times only where the case can be trained."""
    yield exam.observe("hardware.device", exam.device.type)
    yield exam.observe("hardware.accelerator", _accelerator())
    per_epoch = length(exam.case.train_loader)
    if not per_epoch or not can_train(exam):
        return
    seconds = _seconds(exam)
    yield exam.observe("hardware.minutes_per_epoch", seconds * per_epoch / 60)
    if exam.case.epochs is not None:
        hours = seconds * per_epoch * exam.case.epochs / 3600
        yield exam.observe("hardware.hours_planned", hours)


def _accelerator() -> str:
    if torch.cuda.is_available():
        return "cuda"
    mps = getattr(torch.backends, "mps", None)
    return "mps" if mps is not None and mps.is_available() else "none"


def _seconds(exam: Examination) -> float:
    """Return how long one training step on a whole batch takes."""
    with exam.training():
        training_mode(exam.model)
        spans = []
        for _ in range(3):
            started = time.perf_counter()
            float(step(exam, exam.batches[0]))
            spans.append(time.perf_counter() - started)
    return min(spans)


PROBE = Probe(
    id="hardware",
    title=Text(en="The device", zh="计算设备"),
    needs=(),
    provides=(
        "hardware.device",
        "hardware.accelerator",
        "hardware.minutes_per_epoch",
        "hardware.hours_planned",
    ),
    cost=5,
    measure=measure,
)
