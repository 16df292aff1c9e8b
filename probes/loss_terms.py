"""Probe of losses that are sums: how large each term is, and how hard each pulls at the weights.

Gradients are compared on the parameters that the terms share: there the largest drowns the others.
A few steps of the user's own then show whether the drowned term falls at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, cut, map_tensors, take_apart_like, tensors_in
from probes.probe import Probe
from probes.quantities.exchanged import turned_back
from probes.quantities.loss_terms import SumWatch, Term, gradients
from probes.training.short_training import can_train, step

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SAMPLES: Final = 64
_MOST: Final = 8
_STEPS: Final = 40
_UNEVEN: Final = 10.0  # ratio of pulls above which a few steps are worth their time
_SMALL: Final = 1e-6  # of a term's value: what adding up in another order makes


@dataclass(frozen=True, slots=True)
class _Seen:
    """The terms of one batch: names, weighted values, and each one's pull at shared weights."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    pulls: tuple[float, ...] = ()


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `loss.term_*`; nothing where the loss is a single term."""
    batch = cut(exam.batch, _SAMPLES)
    if not exam.recording.loss_has_graph:
        return
    seen = _look(exam, batch, pulls=True)
    yield exam.observe("loss.term_count", len(seen.names))
    if not 2 <= len(seen.names) <= _MOST:
        return
    yield exam.observe("loss.term_value", seen.values, seen.names)
    yield exam.observe("loss.term_gradient", seen.pulls, seen.names)
    asking = _asking(exam, batch, seen)
    wanted = [index for index in asking if seen.pulls[index] > 0]
    if not wanted:
        return
    least = min(wanted, key=lambda index: seen.pulls[index])
    yield exam.observe("loss.weakest_term", seen.names[least])
    ratio = max(seen.pulls) / seen.pulls[least]
    yield exam.observe("loss.term_gradient_ratio", ratio)
    if ratio > _UNEVEN:
        yield from _after_steps(exam, batch, seen, least)


def _look(exam: Examination, batch: Batch, *, pulls: bool = False) -> _Seen:
    """Return the terms on `batch`."""
    with exam.training():
        exam.wake()
        return _terms_of(exam, batch, pulls=pulls)


def _terms_of(exam: Examination, batch: Batch, *, pulls: bool = False) -> _Seen:
    exam.count_steps(1)
    with SumWatch() as watch, torch.enable_grad():
        loss = exam.loss_of(batch)
    terms = watch.terms(loss)
    return _Seen(
        tuple(term.name for term in terms),
        _values(terms),
        _pulls(exam, terms) if pulls and len(terms) <= _MOST else (),
    )


def _values(terms: Sequence[Term]) -> tuple[float, ...]:
    return tuple(torch.stack([term.value.detach().double() for term in terms]).tolist())


def _pulls(exam: Examination, terms: Sequence[Term]) -> tuple[float, ...]:
    """Return each term's gradient norm on the parameters that at least two terms share."""
    parameters = [p for p in exam.model.parameters() if p.requires_grad]
    found = gradients(terms, parameters)
    users = [sum(g is not None for g in column) for column in zip(*found, strict=True)]
    rows = ([g for g, n in zip(row, users, strict=True) if n > 1] for row in found)
    return tuple(map(_norm, rows))


def _norm(gradients: Sequence[Tensor | None]) -> float:
    norms = [g.detach().double().norm() for g in gradients if g is not None]
    value = float(torch.stack([n.cpu() for n in norms]).norm()) if norms else 0.0
    return value if math.isfinite(value) else 0.0


def _asking(exam: Examination, batch: Batch, seen: _Seen) -> list[int]:
    """Return which terms ask for answers: those that change when other samples' are asked for."""
    if batch.target_tensor is None:
        return []
    other, given = _exchanged(exam, batch)
    with given:
        changed = _look(exam, other)
    if changed.names != seen.names:
        return []
    pairs = zip(seen.values, changed.values, strict=True)
    return [index for index, (a, b) in enumerate(pairs) if abs(a - b) > _SMALL * abs(a)]


def _exchanged(exam: Examination, batch: Batch) -> tuple[Batch, AbstractContextManager[None]]:
    """Return the batch with the targets of other samples, and what to compute its loss in.

    Where the inputs are their own targets all of the batch is exchanged, and what the model itself
    is given is exchanged back.
    """
    alone = batch.targets is batch.inputs
    targets = {id(tensor) for tensor in tensors_in(batch.targets)}

    def turned(tensor: Tensor) -> Tensor:
        return tensor.roll(1, 0) if id(tensor) in targets and tensor.dim() else tensor

    other = take_apart_like(batch, map_tensors(batch.raw, turned))
    return other, turned_back(exam.model, batch.size) if alone else nullcontext()


def _after_steps(exam: Examination, batch: Batch, seen: _Seen, least: int) -> Iterator[Observation]:
    """Tell how far the weakest term and the whole loss fall in a few of the user's own steps."""
    if not exam.case.optimizers or not can_train(exam):
        return
    other, given = _exchanged(exam, batch)
    with exam.training():
        exam.wake()
        with suppress(RuntimeError, ValueError):
            for number in range(_STEPS):
                step(exam, exam.batches[number % len(exam.batches)])
                exam.progress(number / _STEPS)
        with torch.random.fork_rng(devices=[]):  # the same dropout and noise for both
            after = _terms_of(exam, batch)
        with given:
            exchanged = _terms_of(exam, other)
    if not after.names == exchanged.names == seen.names:
        return
    yield exam.observe("loss.weakest_term_drop", _drop(seen.values[least], after.values[least]))
    yield exam.observe("loss.sum_drop", _drop(sum(seen.values), sum(after.values)))
    yield exam.observe(
        "loss.weakest_term_heeds_input", -_drop(after.values[least], exchanged.values[least])
    )


def _drop(before: float, after: float) -> float:
    if not math.isfinite(after) or before == 0:
        return -math.inf
    return (before - after) / abs(before)


PROBE = Probe(
    id="loss_terms",
    title=Text(en="Terms of the loss", zh="损失的各项"),
    needs=("loss", "gradients"),
    provides=(
        "loss.term_count",
        "loss.term_value",
        "loss.term_gradient",
        "loss.weakest_term",
        "loss.term_gradient_ratio",
        "loss.weakest_term_drop",
        "loss.weakest_term_heeds_input",
        "loss.sum_drop",
    ),
    cost=_STEPS + 5,
    measure=measure,
    usual=3,
)
