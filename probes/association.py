"""Probe of the relation between inputs and targets: is there one, and how clean is it?

Cheap models are asked, with cross-validation, what the inputs tell about the targets, and a
permutation test says whether that could be chance. Sections 4 to 6 of the "37 reasons". No
relation seen is weak evidence (a parity is invisible to cheap models), one seen is strong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, map_tensors, take_apart_like
from probes.data import input_kind, input_tensors
from probes.probe import Probe
from probes.quantities.cheap_models import (
    Association,
    associate,
    neighbour_agreement,
    smoothers,
)
from probes.quantities.codes import Codes, codes, one_hot
from probes.quantities.label_noise import contradicting_share, estimate
from probes.quantities.tables import (
    Scaling,
    bags_of,
    columns_of,
    distinct,
    rows_of,
    whole_rows,
)
from probes.quantities.task import infer
from probes.training.regrouped import alike, places

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAMPLES: Final = 800
LEAST: Final = 40  # samples: of fewer cheap models tell nothing
Rows = Callable[[Sequence[Batch]], Tensor | None]  # how samples are read into numbers
TASKS: Final = ("classification", "binary", "multilabel", "regression")


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `association.*` and `label_noise.*`."""
    task = infer(exam)
    kind = input_kind(exam)
    if task.name not in TASKS or kind not in ("continuous", "tokens"):
        return
    if kind == "tokens":
        yield from _of_words(exam)
        return
    batches = alike(exam.batches)
    yield from _contradictions(exam, batches)
    found = _related(exam, batches)
    if found is None:
        return
    table, relation = found
    if all(tensor.dim() == 2 for tensor in input_tensors(exam.batch).values()):
        named = codes(table.rows, table.target)
        if named.coded:  # what the inputs tell is told by the names, not by their numbers
            table.features = torch.cat([table.features, one_hot(table.rows, named.coded)], dim=1)
            relation = associate(smoothers(table.features), table.target)
        yield from _codes(exam, named)
    yield from _strength(exam, table, relation)
    if task.kind in ("class-index", "one-hot", "binary"):
        yield from _noise(exam, table, relation)
    exam.progress(0.6)
    # as many as of the training data: with more samples the same relation looks stronger
    held = _related(exam, alike(exam.val_batches), at_most=len(table.target))
    yield from _held(exam, held)


def _of_words(exam: Examination) -> Iterator[Observation]:
    """Ask the same of sequences of tokens, by how often each token is in them."""
    found = _related(exam, exam.batches, rows=bags_of)
    if found is None:
        return
    yield from _strength(exam, *found)
    exam.progress(0.6)
    at_most = len(found[0].target)
    yield from _held(exam, _related(exam, exam.val_batches, at_most, rows=bags_of))


def _held(exam: Examination, held: tuple[Table, Association] | None) -> Iterator[Observation]:
    if held is not None:
        yield exam.observe("association.validation_gain", held[1].gain)
        yield exam.observe("association.validation_p_value", held[1].p_value)


class Table:
    """Distinct samples: pooled `rows` (N, P), `features` (N, F), `target` (N, C), `places`."""

    def __init__(self, rows: Tensor, target: Tensor, kept: Tensor) -> None:
        self.rows, self.target, self.places = rows[kept], target[kept], kept
        self.features = Scaling.of(self.rows)(self.rows)


def table_of(
    exam: Examination, batches: Sequence[Batch], at_most: int = SAMPLES, rows: Rows = rows_of
) -> Table | None:
    """Return `at_most` distinct samples of the batches; None where they make no table."""
    read, target = rows(batches), columns_of(infer(exam), batches)
    if read is None or target is None:
        return None
    known = torch.isfinite(read).all(1).nonzero()[:, 0]
    if len(known) < LEAST:
        return None
    kept = known[distinct(read[known])][:at_most]
    table = Table(read, _two_columns(target), kept)
    varies = bool((table.target != table.target[0]).any()) and bool(table.features.any())
    return table if len(kept) >= LEAST and varies else None


def _related(
    exam: Examination, batches: Sequence[Batch], at_most: int = SAMPLES, rows: Rows = rows_of
) -> tuple[Table, Association] | None:
    table = table_of(exam, batches, at_most, rows) if batches else None
    if table is None:
        return None
    return table, associate(smoothers(table.features), table.target)


def _two_columns(target: Tensor) -> Tensor:
    """Return a single column of yes and no as two, so that each class has one."""
    zero_one = target.shape[1] == 1 and bool(((target == 0) | (target == 1)).all())
    return torch.cat([1 - target, target], dim=1) if zero_one else target


def _strength(exam: Examination, table: Table, relation: Association) -> Iterator[Observation]:
    target, predicted = table.target, relation.predicted
    yield exam.observe("association.samples", len(target))
    yield exam.observe("association.model", relation.model.split("-")[0])
    yield exam.observe("association.gain", relation.gain)
    yield exam.observe("association.p_value", relation.p_value)
    one_hot = target.shape[1] > 1 and bool((target.sum(1) <= 1).all() and (target >= 0).all())
    if one_hot:
        right = (predicted.argmax(1) == target.argmax(1)) & (target.sum(1) > 0)
        yield exam.observe("association.score", float(right.double().mean()))
        yield exam.observe("association.trivial", float(target.mean(0).max()))
        agreement = neighbour_agreement(table.features, target)
        if agreement is not None:
            yield exam.observe("association.neighbour_agreement", agreement)
    half = len(target) // 2
    if half >= LEAST and len(target) < SAMPLES:
        fewer = associate(smoothers(table.features[:half]), target[:half], permutations=1)
        yield exam.observe("association.gain_of_half", fewer.gain)


def _noise(exam: Examination, table: Table, relation: Association) -> Iterator[Observation]:
    noise = estimate(relation.predicted, table.target, relation.gain)
    if noise is None or relation.p_value > 0.05:
        return
    yield exam.observe("label_noise.share", noise.share)
    yield exam.observe("label_noise.evenness", noise.evenness)
    yield exam.observe("label_noise.consistency", noise.consistency)
    if noise.suspicious:
        where = places(alike(exam.batches))
        names = []
        for index, given, seems in noise.suspicious:
            batch, row = where[int(table.places[index])]
            names.append(f"batch {batch}, sample {row}: {given} -> {seems}")
        found = tuple((True,) * len(names))
        yield exam.observe("label_noise.suspicious", found, where=tuple(names))


def _codes(exam: Examination, found: Codes) -> Iterator[Observation]:
    slopes = _slopes(exam) if found.coded else None
    coded = [
        (column, gain)
        for column, gain in zip(found.coded, found.gains, strict=True)
        if slopes is None or float(slopes[column]) > 0
    ]
    if coded:
        names = tuple(f"input[{column}]" for column, _ in coded)
        yield exam.observe("input.coded_feature", (True,) * len(names), where=names)
        yield exam.observe("input.coded_gain", max(gain for _, gain in coded))
    if found.angles:
        names = tuple(f"input[{column}]" for column in found.angles)
        yield exam.observe("input.angle_feature", (True,) * len(names), where=names)
        yield exam.observe("input.angle_gain", found.angle_gain)


def _slopes(exam: Examination) -> Tensor | None:
    """Return how the loss changes with each input column (P,), None where that cannot be had.

    It does not change at all with the number of what the network looks up in an embedding.
    """
    leaves = {
        id(tensor): tensor.detach().clone().requires_grad_()
        for tensor in input_tensors(exam.batch).values()
        if tensor.is_floating_point()
    }
    raw = map_tensors(exam.batch.raw, lambda tensor: leaves.get(id(tensor), tensor))
    with exam.training(), torch.enable_grad():
        exam.count_steps(1)
        try:
            loss = exam.loss_of(take_apart_like(exam.batch, raw))
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        except Exception:  # the user's loss fails, or has no graph
            return None
    slopes = [
        torch.zeros(leaf.shape[1:]) if slope is None else slope.detach().abs().amax(0).cpu()
        for leaf, slope in zip(leaves.values(), found, strict=True)
    ]
    return torch.cat([slope.reshape(-1) for slope in slopes]) if slopes else None


def _contradictions(exam: Examination, batches: Sequence[Batch]) -> Iterator[Observation]:
    rows, target = whole_rows(batches), columns_of(infer(exam), batches)
    if rows is None or target is None or not len(rows):
        return
    _, inverse = torch.unique(rows, dim=0, return_inverse=True)
    yield exam.observe("association.contradicting_share", contradicting_share(inverse, target))


PROBE = Probe(
    id="association",
    title=Text(en="The relation between inputs and labels", zh="输入与标签之间的关联"),
    needs=("targets",),
    provides=(
        "association.samples",
        "association.model",
        "association.score",
        "association.trivial",
        "association.gain",
        "association.gain_of_half",
        "association.p_value",
        "association.neighbour_agreement",
        "association.contradicting_share",
        "association.validation_gain",
        "association.validation_p_value",
        "label_noise.share",
        "label_noise.evenness",
        "label_noise.consistency",
        "label_noise.suspicious",
        "input.coded_feature",
        "input.coded_gain",
        "input.angle_feature",
        "input.angle_gain",
    ),
    cost=150,
    measure=measure,
    usual=0,
    seconds=0.25,
)
