"""The loss of the best constant prediction: what a model reaches that ignores its input.

The prediction is one row of outputs, the same for every sample, tried on the drawn targets under
the user's own loss function. It begins at the answer known for that function (class frequencies,
mean, median) and, where the function takes any real number, is improved by LBFGS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from probes.case.batches import tensors_in
from probes.case.objective import as_loss
from probes.quantities.task import (
    IGNORED,
    class_axis,
    class_labels,
    infer,
    loss_function,
    output_of,
)

if TYPE_CHECKING:
    from probes.running.examination import Examination

ELEMENTS: Final = 4_000_000  # of an expanded constant prediction: bounds memory and time
MOST_REFINED: Final = 65_536  # entries of a constant prediction that LBFGS is let loose on
MOST_ELEMENTS: Final = 40_000_000  # larger ones (language models) only have their entropy taken
_PROBABILITIES: Final = {"nll_loss", "binary_cross_entropy", "kl_div"}
Row = Tensor
_TINY: Final = 1e-7


def chance_loss(exam: Examination, targets: Sequence[Tensor] | None = None) -> float | None:
    """Return the loss of the best constant prediction, None when it cannot be computed.

    `targets`: the target tensor of each batch to be predicted, all drawn ones by default. Losses
    that sum over samples are given for batches of the size of `exam.batch`.
    """
    output = output_of(exam)
    own = [t for t in (b.target_tensor for b in exam.batches) if t is not None]
    chosen = list(own if targets is None else targets)
    one_tensor = sum(1 for _ in tensors_in(exam.batch.targets)) == 1
    best = None
    if output is not None and chosen and one_tensor and exam.case.loss_fn is not None:
        portions = _portions(exam, output, chosen)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            best = _best(exam, output.detach(), portions)
    return _entropy_when_plain(exam, chosen) if best is None else best


def mean_loss_of_constants(exam: Examination) -> tuple[Callable[[Row], Tensor], Tensor] | None:
    """Return the mean loss as a function of the row that is predicted for all samples, and outputs.

    None where the loss takes more than one output tensor and one of targets, or the targets of all
    samples are the same.
    """
    output = output_of(exam)
    targets = [t for t in (b.target_tensor for b in exam.batches) if t is not None]
    one_tensor = sum(1 for _ in tensors_in(exam.batch.targets)) == 1
    if output is None or not targets or not one_tensor or exam.case.loss_fn is None:
        return None
    portions = _portions(exam, output, targets)
    if not portions or all(bool((part == portions[0][:1]).all()) for part in portions):
        return None
    detached = output.detach()

    def mean_loss(row: Row) -> Tensor:
        losses = [_loss(exam, _expanded(row, detached, part), part) for part in portions]
        return torch.stack(losses).mean()

    return mean_loss, detached


def _portions(exam: Examination, output: Tensor, targets: list[Tensor]) -> list[Tensor]:
    """Return the targets in batches of the size of `exam.batch`, as many as the bound allows."""
    size = exam.batch.size
    if output.numel() > MOST_ELEMENTS:
        return []
    if output.shape[0] != size:  # outputs are not one per sample: leave the batches as they came
        return targets[:1] if targets[0].shape[0] == size else []
    if all(target.shape[1:] == targets[0].shape[1:] for target in targets):
        targets = list(torch.split(torch.cat(targets), size))
        targets = [t for t in targets if t.shape[0] == size] or targets
    per_batch = max(output.numel(), 1)
    return targets[: max(ELEMENTS // per_batch, 1)]


def _best(exam: Examination, output: Tensor, targets: list[Tensor]) -> float | None:
    if not targets:
        return None
    function = loss_function(exam)

    def mean_loss(row: Row) -> Tensor:
        losses = [_loss(exam, _expanded(row, output, target), target) for target in targets]
        return torch.stack(losses).mean()

    best: tuple[float, Row] | None = None
    for row in _first_guesses(exam, function, output, targets):
        value = _tried(mean_loss, row)
        if value is not None and (best is None or value < best[0]):
            best = value, row
    if best is None:
        return None
    if _takes_probabilities(exam, function) or best[1].numel() > MOST_REFINED:
        return best[0]
    return _refined(mean_loss, *best)


def _takes_probabilities(exam: Examination, function: str | None) -> bool:
    """Return whether a loss seen takes (log-)probabilities only: no free search through those."""
    try:
        called = {call.function for call in exam.recording.loss_calls}
    except Exception:  # the loss fails as it is
        called = set()
    return bool((called | {function}) & _PROBABILITIES)


def _loss(exam: Examination, prediction: Tensor, target: Tensor) -> Tensor:
    assert exam.case.loss_fn is not None
    return as_loss(exam.case.loss_fn(prediction, target), "loss_fn")


def _expanded(row: Row, output: Tensor, target: Tensor) -> Tensor:
    """Return `row` repeated for every sample of `target`, and position if it spans classes only."""
    shape = (target.shape[0], *output.shape[1:])
    if row.shape == output.shape[1:]:
        return row.unsqueeze(0).expand(shape)
    axis = class_axis(output, target)
    if axis == output.dim() - 1:
        return row.expand(shape)
    view = row.view(-1, *[1] * (output.dim() - 2))
    return view.unsqueeze(0).expand(shape)


def _tried(mean_loss: Callable[[Row], Tensor], row: Row) -> float | None:
    try:
        with torch.no_grad():
            value = float(mean_loss(row))
    except Exception:  # the user's loss does not take a constant prediction: no guess from it
        return None
    return value if value == value and abs(value) != float("inf") else None


def _refined(mean_loss: Callable[[Row], Tensor], start: float, row: Row) -> float | None:
    """Return the loss after LBFGS from `row`; None when it falls without end."""
    free = row.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([free], max_iter=25, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = mean_loss(free)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    try:
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    except Exception:  # no gradient, or outside what the loss can take
        return start
    end = _tried(mean_loss, free.detach())
    if end is None or end >= start:
        return start
    far = float((free.detach() - row).abs().max()) > 10 * (1.0 + float(row.abs().max()))
    # labels that are no probabilities under a logarithm: no constant is the best
    return None if far and start - end > max(abs(start), 1e-6) else end


def _first_guesses(
    exam: Examination, function: str | None, output: Tensor, targets: list[Tensor]
) -> Iterator[Row]:
    """Yield rows that are the known best constant prediction for losses of this kind."""
    task = infer(exam)
    if task.kind in ("class-index", "one-hot"):
        yield from _class_rows(exam, function, output, targets)
        if task.kind == "class-index":
            return
    if targets[0].numel() == targets[0].shape[0] * output[0].numel():
        yield from _value_rows(function, output, targets)
    if not _takes_probabilities(exam, function):
        yield output.mean(0)
        yield torch.zeros_like(output[0])


def _class_rows(
    exam: Examination, function: str | None, output: Tensor, targets: list[Tensor]
) -> Iterator[Row]:
    labels = class_labels(infer(exam), targets)
    classes = output.shape[class_axis(output, targets[0])] if output.dim() > 1 else 1
    flat = torch.cat(labels) if labels else torch.empty(0, dtype=torch.long)
    flat = flat[flat < classes]
    if classes < 2 or not flat.numel():
        return
    count = torch.bincount(flat, minlength=classes).to(output)
    prior = (count + _TINY) / (count + _TINY).sum()
    fed = probability_rows(output) and function == "nll_loss" and _loss_takes_the_log(exam)
    yield prior if fed else prior.log()
    if function == "cross_entropy":
        yield torch.zeros_like(prior)


def _loss_takes_the_log(exam: Examination) -> bool:
    """Return whether the user's loss function turns probabilities into logarithms itself."""
    call = exam.recording.loss_call
    return call is not None and bool((call.input <= 0).all())


def probability_rows(output: Tensor) -> bool:
    """Return whether the last axis of `output` holds probabilities that sum to 1."""
    sums = output.sum(-1)
    return bool((output >= 0).all() and ((sums - 1).abs() < 1e-3).all())


def _value_rows(function: str | None, output: Tensor, targets: list[Tensor]) -> Iterator[Row]:
    shape, kind = output.shape[1:], output.dtype
    stacked = torch.cat([t.reshape(t.shape[0], -1) for t in targets]).double()
    finite = torch.where(torch.isfinite(stacked), stacked, torch.nan)
    mean = finite.nanmean(0).to(kind).reshape(shape)
    median = finite.nanmedian(0).values.to(kind).reshape(shape)
    if function == "binary_cross_entropy_with_logits":
        yield torch.logit(mean.clamp(_TINY, 1 - _TINY))
        return
    if function == "binary_cross_entropy":  # others are refused, on a GPU for good
        mean, median = mean.clamp(0.0, 1.0), median.clamp(0.0, 1.0)
    yield mean
    yield median


def _entropy_when_plain(exam: Examination, targets: list[Tensor]) -> float | None:
    """Return the entropy (nats) of the labels when the loss seen is plain cross-entropy."""
    task = infer(exam)
    labels = class_labels(task, targets) if targets else None
    plain = loss_function(exam) in ("cross_entropy", "nll_loss") and _explains_the_loss(exam)
    if not labels or not plain:
        return None
    share = torch.bincount(torch.cat(labels)).double()
    share = share / share.sum()
    return float(torch.special.entr(share).sum())


def _explains_the_loss(exam: Examination) -> bool:
    """Return whether the single loss call seen, plainly repeated, gives the loss itself."""
    recording = exam.recording
    call = recording.loss_call
    if call is None or call.target.is_floating_point():
        return False
    again = getattr(torch.nn.functional, call.function)
    try:
        value = again(call.input.float(), call.target, ignore_index=IGNORED)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return False
    return bool(torch.isclose(value, recording.loss.to(value), rtol=1e-3))
