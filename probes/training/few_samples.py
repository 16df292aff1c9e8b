"""A handful of samples, some of every class, picked from the drawn batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from probes.case.batches import Batch, cut
from probes.quantities.task import IGNORED, class_axis, class_labels, infer
from probes.training.regrouped import alike, gathered, places

if TYPE_CHECKING:
    from probes.running.examination import Examination

MOST: Final = 16


def few_samples(exam: Examination, most: int = MOST) -> Batch | None:
    """Return at most `most` samples, spread evenly over the classes; None where there are none.

    Where batches do not line up sample by sample the first one serves, if it is small enough.
    """
    batches = alike(exam.batches)
    if not batches:
        return cut(exam.batch, most) if exam.batch.size <= 4 * most else None
    every = places(batches)
    chosen = _picked(exam, batches, len(every), most)
    return gathered(batches, [every[index] for index in chosen])


def _picked(exam: Examination, batches: list[Batch], count: int, most: int) -> list[int]:
    """Return the indices of the samples to take: class after class in turn, else evenly spaced."""
    targets = [batch.target_tensor for batch in batches]
    known = [target for target in targets if target is not None]
    labels = class_labels(infer(exam), known) if len(known) == len(targets) else None
    flat = torch.cat(labels).tolist() if labels else []
    if len(flat) != count:
        return [index * count // min(most, count) for index in range(min(most, count))]
    by_class: dict[int, list[int]] = {}
    for index, label in enumerate(flat):
        by_class.setdefault(int(label), []).append(index)
    rounds = [
        members[turn]
        for turn in range(most)
        for _, members in sorted(by_class.items())
        if turn < len(members)
    ]
    return sorted(rounds[:most])


def accuracy(
    exam: Examination, output: Tensor, target: Tensor, function: str | None
) -> float | None:
    """Return the share of right answers in `output`, None where answers are not classes."""
    kind = infer(exam).kind
    if kind in ("binary", "multi-label") and output.numel() == target.numel():
        threshold = 0.5 if function == "binary_cross_entropy" else 0.0
        answers = output.reshape(-1) > threshold
        return float((answers == (target.reshape(-1) > 0.5)).double().mean())
    if kind not in ("class-index", "one-hot") or output.dim() < 2:
        return None
    truth = target.argmax(-1) if kind == "one-hot" else target
    found = output.argmax(class_axis(output, truth))
    if found.numel() != truth.numel():
        return None
    wanted, given = truth.reshape(-1), found.reshape(-1)
    counted = wanted != IGNORED
    return float((wanted == given)[counted].double().mean()) if bool(counted.any()) else None
