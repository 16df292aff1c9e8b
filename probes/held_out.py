"""Probe of what carries over: the network learns some samples; does it then know the others?

Made only where cheap models see no relation between inputs and targets. A network that learns its
samples by heart and never answers others better than a constant does has nothing to learn from
(Zhang and others, "Understanding deep learning requires rethinking generalization", 2017: networks
fit random labels as readily as true ones).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.learning_rate import chance_of
from probes.probe import Probe
from probes.training.answers import without_dropout
from probes.training.regrouped import mixed
from probes.training.short_training import losses_on, small_batches, train, training_mode

if TYPE_CHECKING:
    from probes.running.examination import Examination

WEAK: Final = 0.05  # of the target: more than this seen by cheap models, and nobody need ask
STEPS: Final = 240
CHUNK: Final = 20
LEARNT: Final = 8  # batches that are learnt
RATE: Final = 2e-3
ENOUGH: Final = 0.6  # of chance: learnt well enough by heart


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `held_out.*`."""
    gain, chance = exam.found.get("association.gain"), chance_of(exam)
    if gain is None or float(gain.value) > WEAK or not chance or chance <= 0:  # type: ignore[arg-type]
        return
    batches = mixed(exam, small_batches(exam))
    learnt, others = batches[0::2][:LEARNT], batches[1::2][:LEARNT]
    free = [parameter for parameter in exam.model.parameters() if parameter.requires_grad]
    if len(others) < 2 or not free:
        return
    courses = _courses(exam, learnt, others, free, chance)
    if not courses:
        return
    yield exam.observe("held_out.learnt_over_chance", courses[-1][0] / chance)
    yield exam.observe("held_out.others_over_chance", min(other for _, other in courses) / chance)


def _courses(
    exam: Examination,
    learnt: Sequence[Batch],
    others: Sequence[Batch],
    free: Sequence[Tensor],
    chance: float,
) -> list[tuple[float, float]]:
    """Return the mean loss on both halves after each chunk of steps."""
    found: list[tuple[float, float]] = []
    with exam.training(), without_dropout(exam.model):
        training_mode(exam.model)
        optimizer = torch.optim.Adam(list(free), lr=RATE)

        def take_step(batch: Batch) -> Tensor:
            exam.count_steps(1)
            exam.model.zero_grad(set_to_none=True)
            loss = exam.loss_of(batch)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            return loss.detach()

        for index in range(STEPS // CHUNK):
            _, broken = train(exam, learnt, CHUNK, take_step=take_step)
            if broken is not None:
                break
            both = _mean(losses_on(exam, learnt)), _mean(losses_on(exam, others))
            if not all(map(math.isfinite, both)):
                break
            found.append(both)
            exam.progress((index + 1) * CHUNK / STEPS)
            if both[0] <= ENOUGH * chance:
                break
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


PROBE = Probe(
    id="held_out",
    title=Text(en="What carries over to other samples", zh="能否推广到其他样本"),
    needs=("targets", "loss", "gradients"),
    provides=("held_out.learnt_over_chance", "held_out.others_over_chance"),
    cost=STEPS + 8 * STEPS // CHUNK,
    measure=measure,
    usual=10,
    after=("association",),
)
