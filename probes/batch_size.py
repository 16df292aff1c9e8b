"""Probe of the batch size: how noisy a batch's gradient is, and what other sizes would do.

The simple noise scale tr(S)/|G|^2 of McCandlish et al., "An empirical model of large-batch
training" (2018, appendix A): batches far below it give mostly noise, batches far above it waste
samples. Where a batch is very large or very small, short runs at another size decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.learning_rate import chance_of
from probes.own_rate import length
from probes.probe import Probe
from probes.training.regrouped import alike, gathered, places
from probes.training.short_training import (
    Ground,
    Run,
    can_train,
    run,
    survey,
    training_mode,
)

if TYPE_CHECKING:
    from probes.running.examination import Examination

PARTS: Final = 16  # gradients from which their scatter is told
FEW_UPDATES: Final = 8  # per epoch
LARGE: Final = 64  # samples: smaller batches are not called large
SMALL: Final = 4  # samples: larger ones are not called small
USUAL: Final = 32
SMALLER_UPDATES: Final = 128  # of the run with smaller batches, at most
LARGER_UPDATES: Final = 48
EPOCHS: Final = 8


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `batch.*`."""
    batches = alike(exam.batches)
    if not batches:
        return
    size, per_epoch = batches[0].size, length(exam.case.train_loader)
    yield exam.observe("batch.size", size)
    if per_epoch:
        yield exam.observe("batch.steps_per_epoch", per_epoch)
        if exam.case.epochs is not None:
            updates = exam.case.epochs * per_epoch / _batches_per_update(exam)
            yield exam.observe("batch.planned_updates", max(1, round(updates)))
    values = _normalised_over(exam, batches[0])
    if values is not None:
        yield exam.observe("batch.values_per_norm", values)
    scale = _noise_scale(exam, batches)
    if scale is not None:
        yield exam.observe("batch.noise_scale", scale)
        yield exam.observe("batch.over_noise_scale", size / scale if scale > 0 else math.inf)
    exam.progress(0.3)
    if not can_train(exam):
        return
    if per_epoch and per_epoch <= FEW_UPDATES and size >= LARGE:
        yield from _against_smaller(exam, batches, per_epoch)
    if size <= SMALL:
        yield from _against_larger(exam, batches)


def _batches_per_update(exam: Examination) -> float:
    found = exam.found.get("loop.batches_per_update")
    return max(1.0, float(found.value)) if found is not None else 1.0  # type: ignore[arg-type]


def _normalised_over(exam: Examination, batch: Batch) -> int | None:
    """Return the fewest values over which a batch normalisation takes its mean; None without."""
    counts: list[int] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training and inputs and inputs[0].dim() > 1 and inputs[0].shape[1]:
            counts.append(inputs[0].numel() // inputs[0].shape[1])

    kind = nn.modules.batchnorm._BatchNorm
    layers = [module for module in exam.model.modules() if isinstance(module, kind)]
    if not layers:
        return None
    with exam.training(), torch.no_grad():
        training_mode(exam.model)
        handles = [layer.register_forward_pre_hook(count) for layer in layers]
        try:
            exam.loss_of(batch)
        finally:
            for handle in handles:
                handle.remove()
        exam.count_steps(1)
    return min(counts, default=None)


def _noise_scale(exam: Examination, batches: Sequence[Batch]) -> float | None:
    """Return tr(S)/|G|^2 in samples, from the scatter of the gradients of disjoint parts.

    Infinite where the mean gradient does not stand out of its own noise.
    """
    every = places(batches)
    each = min(len(every) // PARTS, USUAL)
    growth = exam.found.get("loss.grows_with_batch")
    summed = growth is not None and float(growth.value) > 1.5  # type: ignore[arg-type]
    if each < 1 or (each < 2 and _has_batch_norm(exam.model)) or summed:
        return None
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    chosen = [every[index] for index in order[: each * PARTS]]
    with exam.training():
        training_mode(exam.model)
        mean: list[Tensor] | None = None
        squares = []
        for part in range(PARTS):
            batch = gathered(batches, chosen[part * each : (part + 1) * each])
            gradients = _gradients(exam, batch)
            if gradients is None:
                return None
            squares.append(_square(gradients))
            mean = gradients if mean is None else torch._foreach_add(mean, gradients)  # type: ignore[assignment]
    assert mean is not None
    of_mean = _square(mean) / PARTS**2
    scatter = (sum(squares) / PARTS - of_mean) * PARTS / (PARTS - 1)  # of a part's gradient
    signal = of_mean - scatter / PARTS
    if not math.isfinite(scatter) or scatter < 0:
        return None
    return each * scatter / signal if signal > 0 else math.inf


def _gradients(exam: Examination, batch: Batch) -> list[Tensor] | None:
    wanting = [parameter for parameter in exam.model.parameters() if parameter.requires_grad]
    loss = exam.loss_of(batch)
    exam.count_steps(1)
    if not loss.requires_grad:
        return None
    found = torch.autograd.grad(loss, wanting, allow_unused=True)
    pairs = zip(found, wanting, strict=True)
    return [torch.zeros_like(p) if g is None else g.detach() for g, p in pairs]


def _square(gradients: Sequence[Tensor]) -> float:
    return float(torch.stack([g.float().square().sum().cpu() for g in gradients]).sum())


def _has_batch_norm(model: nn.Module) -> bool:
    kind = nn.modules.batchnorm._BatchNorm
    return any(isinstance(module, kind) for module in model.modules())


# --- other sizes ----------------------------------------------------------------------------------


def _against_smaller(
    exam: Examination, batches: Sequence[Batch], per_epoch: int
) -> Iterator[Observation]:
    """Compare over as many samples: a few large batches against many usual ones."""
    smaller = _regrouped(batches, USUAL)
    ground = _ground(exam, smaller)
    if ground is None:
        return
    per_large = batches[0].size / USUAL
    epochs = min(exam.case.epochs or EPOCHS, EPOCHS)
    updates = max(1, min(int(SMALLER_UPDATES / per_large), epochs * per_epoch))
    own = _train(exam, ground, batches, updates)
    exam.progress(0.6)
    other = _train(exam, ground, smaller, round(updates * per_large))
    yield exam.observe("batch.updates_compared", updates)
    yield exam.observe("batch.drop", own.drop(ground))
    yield exam.observe("batch.drop_smaller", other.drop(ground))


def _against_larger(exam: Examination, batches: Sequence[Batch]) -> Iterator[Observation]:
    """Compare over as many updates: batches of a few samples against usual ones."""
    larger = _regrouped(batches, USUAL)
    ground = _ground(exam, larger)
    if ground is None or len(larger) < 1:
        return
    own = _train(exam, ground, batches, LARGER_UPDATES)
    exam.progress(0.6)
    other = _train(exam, ground, larger, LARGER_UPDATES)
    yield exam.observe("batch.drop", own.drop(ground))
    yield exam.observe("batch.drop_larger", other.drop(ground))


def _regrouped(batches: Sequence[Batch], size: int) -> list[Batch]:
    """Return the same samples in batches of `size`, mixed."""
    every = places(batches)
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    mixed = [every[index] for index in order]
    whole = [mixed[start : start + size] for start in range(0, len(mixed), size)]
    return [gathered(batches, part) for part in whole if len(part) == min(size, len(mixed))]


def _ground(exam: Examination, batches: list[Batch]) -> Ground | None:
    return survey(exam, batches, chance_of(exam))


def _train(exam: Examination, ground: Ground, batches: Sequence[Batch], updates: int) -> Run:
    """Train on other batches, judged on the ground's."""
    start = (ground.start,) * len(batches)
    return run(exam, replace(ground, batches=batches, initial=start), steps=updates)


PROBE = Probe(
    id="batch_size",
    title=Text(en="The batch size", zh="批次大小"),
    needs=("loss", "gradients"),
    provides=(
        "batch.size",
        "batch.steps_per_epoch",
        "batch.planned_updates",
        "batch.values_per_norm",
        "batch.noise_scale",
        "batch.over_noise_scale",
        "batch.updates_compared",
        "batch.drop",
        "batch.drop_smaller",
        "batch.drop_larger",
    ),
    cost=PARTS + SMALLER_UPDATES + 20,
    measure=measure,
    usual=16,
    after=("loss_at_start", "loop"),
)
