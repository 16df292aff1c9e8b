"""Probe of the samples' independence: does the answer to one sample depend on the others?

The batch runs twice in evaluation mode, the second time with half of its samples replaced. What the
model answers to the others must stay as it was; a `view` where `permute` was meant, a softmax over
the batch, a recurrent layer that takes samples for time steps all make it change. A further look
with the batch's own statistics held fixed tells batch normalisation from a mistake. Last, the batch
runs in the reverse order: the answers must come out in the reverse order too, or the place in the
batch is taken for something of the sample's (a position encoding added along the batch axis).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.data import default_collate

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, cut, lined_up, map_tensors, take_apart_like
from probes.probe import Probe
from probes.recording.loss_call import LossListener
from probes.recording.recording import main_output
from probes.recording.statistics import HeldStatistics
from probes.recording.tracing import Tracer

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SAMPLES: Final = (23, 32)  # a prime first: no other axis is as long by chance
_ROUNDED: Final = 16.0  # units in the last place
_NOISE: Final = 1e-4  # of the output's own change: kernels add up in another order


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one run gave: the model's output, and what the loss function was given."""

    samples: int
    output: Tensor | None
    predictions: Tensor | None
    targets: Tensor | None


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `independence.*`; nothing where the samples' axis is not plain."""
    if exam.recording.refusal is not None or not _samples_first(exam, cut(exam.batch, _SAMPLES[0])):
        return
    exam.count_steps(1)  # three forwards of at most 32 samples
    batch, before = _first_look(exam)
    halves = [_half_replaced(batch, slice(*ends)) for ends in _halves(batch.size)]
    after = [_look(exam, changed) for changed in halves]
    leaks = [
        _leak(before, seen, half) for seen, half in zip(after, _halves(batch.size), strict=True)
    ]
    known = [leak for leak in leaks if leak is not None]
    if not known:
        return
    leak = max(known)
    worst = leaks.index(leak)
    yield exam.observe("independence.leak", leak)
    held: TorchFunctionMode = HeldStatistics()
    rest = leak
    if leak > _NOISE:
        exam.count_steps(1)
        pair = _look(exam, batch, held), _look(exam, halves[worst], held)
        left = _leak(*pair, _halves(batch.size)[worst])
        rest = leak if left is None else left
    yield exam.observe("independence.samples_mix", rest > _NOISE)
    yield exam.observe("independence.mixed_by_statistics", leak > _NOISE >= rest)
    if rest <= _NOISE:
        moved = _moved_by_place(exam, batch, before)
        if moved is not None:
            yield exam.observe("independence.place_change", moved)
    misplaced = _misplaced(before, after[0], batch.size)
    if misplaced is not None:
        yield exam.observe("independence.rows_misplaced", misplaced)


def _first_look(exam: Examination) -> tuple[Batch, _Seen]:
    """Return some samples and what the model makes of them."""
    for count in _SAMPLES:
        batch = cut(exam.batch, count)
        try:
            return batch, _look(exam, batch)
        except Exception:  # a model that takes only certain sizes
            continue
    return exam.batch, _look(exam, exam.batch)


def _samples_first(exam: Examination, batch: Batch) -> bool:
    """Return whether every tensor of the batch surely has the samples on its first axis."""
    first = batch.input_tensor
    if first is None or batch.size < 4 or not lined_up(batch):
        return False
    loader = exam.case.train_loader
    if getattr(loader, "collate_fn", None) is default_collate:
        return True
    target = batch.target_tensor
    one_each = target is not None and (target.dim() == 1 or tuple(target.shape[1:]) == (1,))
    return one_each or first.dim() == 4 or (first.dim() == 2 and first.is_floating_point())


def _halves(samples: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return which samples to replace: the second half (from, to), then the first.

    Both, as a recurrent layer that takes samples for time steps lets only later ones see earlier.
    """
    count = samples // 2
    return (samples - count, samples), (0, count)


def _half_replaced(batch: Batch, chosen: slice) -> Batch:
    """Return the batch with copies of other samples in the place of the chosen ones."""
    size = batch.size
    order = list(range(size))
    order[chosen] = [(index + size - size // 2) % size for index in order[chosen]]

    def replaced(tensor: Tensor) -> Tensor:
        return tensor[torch.tensor(order, device=tensor.device)]

    return take_apart_like(batch, map_tensors(batch.raw, replaced))


def _moved_by_place(exam: Examination, batch: Batch, before: _Seen) -> float | None:
    """Return how much answers change with the place in the batch, over how much samples differ.

    None where that cannot be told: the samples' axis is not plain, or the model draws random
    numbers in evaluation, which are another sample's once the order is another.
    """
    reverse = take_apart_like(batch, map_tensors(batch.raw, lambda tensor: tensor.flip(0)))
    exam.count_steps(1)
    change = _against_reverse(before.output, _look(exam, reverse).output, batch.size)
    if change is None or change <= _NOISE:
        return change
    again = _look(exam, batch, later_draws=True).output
    same = before.output is not None and again is not None and torch.equal(before.output, again)
    return change if same else None


def _against_reverse(first: Tensor | None, second: Tensor | None, samples: int) -> float | None:
    if first is None or second is None or first.shape != second.shape:
        return None
    rounding = _rounding(first)
    first, second = first.detach().double(), second.detach().double()
    found = []
    for axis in (axis for axis in range(first.dim()) if first.shape[axis] == samples):
        back = second.flip(axis)
        apart = (first - first.roll(1, axis)).abs().amax() - rounding
        moved = ((back - first).abs().amax() - rounding).clamp(min=0)
        both = torch.stack([moved, apart]).tolist()
        if all(map(math.isfinite, both)) and both[1] > 0:
            found.append(both[0] / both[1])
    return min(found, default=None)


def _rounding(values: Tensor) -> Tensor:
    """Return how far sums of such values, added up in another order, may lie apart."""
    eps = torch.finfo(values.dtype).eps if values.dtype.is_floating_point else 0.0
    return _ROUNDED * eps * values.detach().double().abs().amax()


def _look(
    exam: Examination,
    batch: Batch,
    held: TorchFunctionMode | None = None,
    *,
    later_draws: bool = False,
) -> _Seen:
    listener = LossListener(None)
    tracer = Tracer(exam.model, listener)
    with exam.training(), torch.no_grad():
        exam.model.eval()
        if later_draws:  # `training` puts the random state back
            torch.rand(97, device=exam.device)
        with tracer.watching():
            if held is None:
                exam.loss_of(batch)
            else:
                with held:
                    exam.loss_of(batch)
    call = next((call for call in listener.calls if call.learned), None)
    output = main_output(tracer.output)
    if call is None:
        return _Seen(batch.size, output, None, None)
    return _Seen(batch.size, output, call.input, call.target)


def _leak(before: _Seen, after: _Seen, replaced: tuple[int, int]) -> float | None:
    """Return how much kept samples' outputs changed against the replaced ones'.

    None where that cannot be told: other axes, the output does not depend on its input, NaN. The
    samples are looked for on every axis that fits, and in rows of several per sample: where any
    reading finds them independent, they are.
    """
    first, second = before.output, after.output
    if first is None or second is None or first.shape != second.shape:
        return None
    change = (second.detach().double() - first.detach().double()).abs() - _rounding(first)
    change = torch.where(change < 0, 0.0, change)  # keeps NaN
    leaks = [_share(rows, replaced) for rows in _readings(change, before.samples)]
    known = [leak for leak in leaks if leak is not None]
    return min(known) if known and len(known) == len(leaks) else None


def _readings(change: Tensor, samples: int) -> Iterator[Tensor]:
    """Yield the changes as rows of one sample each, for every axis that may be the samples'."""
    fitting = [axis for axis in range(change.dim()) if change.shape[axis] == samples]
    for axis in fitting:
        yield change.movedim(axis, 0).reshape(samples, -1)
    if not fitting and change.dim() and change.shape[0] % samples == 0 and change.shape[0]:
        yield change.reshape(samples, -1)
        yield change.reshape(-1, samples, *change.shape[1:]).movedim(1, 0).reshape(samples, -1)


def _share(rows: Tensor, replaced: tuple[int, int]) -> float | None:
    changed = rows[slice(*replaced)].max()
    others = torch.cat([rows[: replaced[0]], rows[replaced[1] :]]).max()
    kept, moved = torch.stack([others, changed]).tolist()
    if not math.isfinite(kept) or not math.isfinite(moved) or moved <= 0:
        return None
    return float(kept / moved)


def _misplaced(before: _Seen, after: _Seen, samples: int) -> bool | None:
    """Return whether the loss pairs predictions of one sample with targets of another.

    Which rows change shows how the samples lie in them, one after the other or in turns: (T, N)
    flattened against (N, T) is a mistake. None where the loss gets one row per sample, or the rows
    do not tell.
    """
    predictions, new_predictions = _rows(before.predictions), _rows(after.predictions)
    targets, new_targets = _rows(before.targets), _rows(after.targets)
    if predictions is None or targets is None or new_predictions is None or new_targets is None:
        return None
    count, rest = divmod(len(predictions), samples)
    same = predictions.shape == new_predictions.shape and targets.shape == new_targets.shape
    if not same or len(predictions) != len(targets) or count < 2 or rest:
        return None
    change = (new_predictions - predictions).abs().amax(1)
    answered = _layouts(change > _NOISE * change.max(), samples)
    asked = _layouts((new_targets != targets).any(1), samples)
    return not answered & asked if answered and asked else None


def _layouts(moved: Tensor, samples: int) -> set[str]:
    """Return the ways in which the rows that moved can all be those of the replaced samples."""
    kept = samples - samples // 2
    fits = {
        "one after the other": not bool(moved.reshape(samples, -1)[:kept].any()),
        "in turns": not bool(moved.reshape(-1, samples)[:, :kept].any()),
    }
    return {name for name, fit in fits.items() if fit} if bool(moved.any()) else set()


def _rows(values: Tensor | None) -> Tensor | None:
    if values is None or values.dim() == 0 or values.numel() == 0:
        return None
    rows = values.detach().double().reshape(values.shape[0], -1)
    return rows if bool(torch.isfinite(rows).all()) else None


PROBE = Probe(
    id="independence",
    title=Text(en="Are the samples of a batch independent?", zh="批次中的样本是否互不影响"),
    needs=("loss",),
    provides=(
        "independence.leak",
        "independence.samples_mix",
        "independence.mixed_by_statistics",
        "independence.place_change",
        "independence.rows_misplaced",
    ),
    cost=3,
    measure=measure,
)
