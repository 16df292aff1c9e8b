"""Samples of several batches put together anew: a few of them, or all in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch

from probes.case.batches import Batch, lined_up, map_tensors, take_apart_like, tensors_in

if TYPE_CHECKING:
    from probes.running.examination import Examination

Place = tuple[int, int]  # number of the batch, row in it
POORLY_MIXED: Final = 0.7  # of the label entropy that shuffled batches would have


def alike(batches: Sequence[Batch]) -> list[Batch]:
    """Return the batches that line up sample by sample and have the form of the first such."""
    usable = [batch for batch in batches if lined_up(batch)]
    return [batch for batch in usable if _form(batch) == _form(usable[0])]


def places(batches: Sequence[Batch]) -> list[Place]:
    """Return where each sample of the batches is, in order."""
    return [(number, row) for number, batch in enumerate(batches) for row in range(batch.size)]


def gathered(batches: Sequence[Batch], chosen: Sequence[Place]) -> Batch:
    """Return the samples at these places of batches that are alike as one batch."""
    columns = [list(tensors_in(batch.raw)) for batch in batches]
    joined = (
        torch.stack([columns[number][index][row] for number, row in chosen])
        for index in range(len(columns[0]))
    )
    return take_apart_like(batches[0], map_tensors(batches[0].raw, lambda _: next(joined)))


def mixed(exam: Examination, batches: list[Batch]) -> list[Batch]:
    """Return the batches with their samples shuffled among them, where labels were poorly mixed.

    What is asked of a learning rate is then not answered by the order of the data. A model that
    wants its samples in an order (packed sequences, by length) keeps the batches as they are.
    """
    mixing = exam.found.get("target.batch_mixing")
    poorly = mixing is not None and float(mixing.value) < POORLY_MIXED  # type: ignore[arg-type]
    if not poorly or len(alike(batches)) < len(batches):
        return batches
    every = places(batches)
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    shuffled = iter([every[index] for index in order])
    found = [gathered(batches, [next(shuffled) for _ in range(batch.size)]) for batch in batches]
    return found if found and _is_taken(exam, found[0]) else batches


def _is_taken(exam: Examination, batch: Batch) -> bool:
    try:
        with exam.training(), torch.no_grad():
            exam.count_steps(1)
            exam.loss_of(batch)
    except Exception:  # the user's own model or loss
        return False
    return True


def _form(batch: Batch) -> list[torch.Size]:
    return [tensor.shape[1:] for tensor in tensors_in(batch.raw)]
