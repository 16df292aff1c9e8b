"""How labels spread over the classes and over the batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler, Subset

from expert.observation import Observation
from probes.quantities.task import IGNORED, Task

if TYPE_CHECKING:
    from probes.running.examination import Examination

PERMUTATIONS: Final = 64
COLUMNS: Final = 16  # of numeric targets that are looked at
FEWEST: Final = 64  # numeric targets: of fewer, chance moves the ratio by more than a tenth
_LABEL_ATTRIBUTES: Final = ("targets", "labels")


def class_facts(
    exam: Examination,
    task: Task,
    targets: list[Tensor],
    labels: list[Tensor] | None,
    classes: int,
) -> Iterator[Observation]:
    """Give the share of each class and how unequal they are."""
    if labels is None:
        counts = torch.stack([(t > 0.5).double().sum(0) for t in targets if t.dim() == 2]).sum(0)
        total = float(sum(target.shape[0] for target in targets))
    else:
        seen = _unsampled_labels(exam)
        flat = torch.cat(labels) if seen is None else seen
        counts = torch.bincount(flat[flat < classes], minlength=classes).double()
        total = float(counts.sum())
    if total <= 0:
        return
    where = tuple(str(index) for index in range(counts.numel()))
    yield exam.observe("target.class_share", tuple((counts / total).tolist()), where=where)
    ratio = float(counts.max() / counts.clamp(min=1).min())
    yield exam.observe("target.imbalance_ratio", ratio)
    if labels is not None:
        yield exam.observe("target.majority_share", float(counts.max()) / total)


def spread_facts(exam: Examination, task: Task, labels: list[Tensor]) -> Iterator[Observation]:
    """Give how well the classes are mixed within batches, against shuffled batches of the sizes.

    Only for targets with one label per sample.
    """
    sizes = [batch.size for batch in exam.batches]
    if [len(label) for label in labels] != sizes or not any(size > 1 for size in sizes):
        return
    pool = _unsampled_labels(exam)
    drawn = torch.cat(labels).cpu()
    pool = drawn if pool is None else pool
    expected, expected_single = when_shuffled(pool, sizes)
    observed, single = spread(drawn, sizes)
    yield exam.observe("target.single_label_batch_share", single)
    yield exam.observe("target.single_label_batch_expected", expected_single)
    if expected > 0 and len(sizes) > 1:
        yield exam.observe("target.batch_mixing", observed / expected)


def order_facts(exam: Examination, targets: list[Tensor]) -> Iterator[Observation]:
    """Give how well numeric targets are mixed within batches: the variance of their ranks.

    Ranks rather than values, so that a few extreme targets cannot decide.
    """
    rows = [t.detach().reshape(t.shape[0], -1)[:, :COLUMNS] for t in targets if t.dim()]
    sizes = [len(part) for part in rows]
    alike = sizes == [batch.size for batch in exam.batches] and len({r.shape[1] for r in rows}) == 1
    if not alike or sum(size > 1 for size in sizes) < 2 or sum(sizes) < FEWEST:
        return
    mixing = rank_mixing(torch.cat(rows).double().cpu(), sizes)
    if mixing is not None:
        yield exam.observe("target.batch_mixing", mixing)


def rank_mixing(columns: Tensor, sizes: list[int]) -> float | None:
    """Return the variance of ranks within batches over that among all rows, mean over columns.

    `columns` (rows, columns) in batches of `sizes`: 1 when shuffled, 0 when sorted into batches of
    equals. Columns with one value, or with values that are not finite, do not count.
    """
    found = []
    for column in columns.T:
        ranks = _mid_ranks(column)
        overall = float(ranks.var()) if torch.isfinite(column).all() else 0.0
        if overall > 0:
            parts = [
                (part.var(), len(part) - 1) for part in torch.split(ranks, sizes) if len(part) > 1
            ]
            inside = sum(float(variance) * free for variance, free in parts)
            found.append(inside / sum(free for _, free in parts) / overall)
    return sum(found) / len(found) if found else None


def _mid_ranks(values: Tensor) -> Tensor:
    """Return the rank of each value; equal values share the mean of theirs."""
    _, index, counts = torch.unique(values, return_inverse=True, return_counts=True)
    ranks: Tensor = (counts.cumsum(0).double() - (counts - 1) / 2)[index]
    return ranks


def when_shuffled(pool: Tensor, sizes: list[int]) -> tuple[float, float]:
    """Return the mean entropy within batches and the share with one label, `pool` shuffled."""
    generator = torch.Generator().manual_seed(0)
    count = min(sum(sizes), pool.numel())
    found = []
    for _ in range(PERMUTATIONS):
        order = torch.randperm(pool.numel(), generator=generator)[:count]
        found.append(spread(pool[order], sizes))
    entropies, singles = zip(*found, strict=True)
    return sum(entropies) / PERMUTATIONS, sum(singles) / PERMUTATIONS


def spread(labels: Tensor, sizes: list[int]) -> tuple[float, float]:
    """Return the mean label entropy (nats) of batches, and the share of them with one label.

    Batches of a single sample do not count.
    """
    _, index = torch.unique(labels, return_inverse=True)
    kinds = int(index.max()) + 1
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))[: index.numel()]
    table = torch.bincount(batch * kinds + index, minlength=len(sizes) * kinds)
    counts = table.view(len(sizes), kinds).double()
    counts = counts[counts.sum(1) > 1]
    if not len(counts):
        return 0.0, 0.0
    share = counts / counts.sum(1, keepdim=True)
    entropy = torch.special.entr(share).sum(1)
    return float(entropy.mean()), float(((counts > 0).sum(1) == 1).double().mean())


def _unsampled_labels(exam: Examination) -> Tensor | None:
    """Return all labels of a map-style data set that is read whole and in order, else None.

    Sorted data show only their first classes in the batches drawn; data sets that keep their
    labels in one place (TensorDataset, torchvision's) tell the rest without being read. A random
    sampler needs no such help, and a weighted one must not have it.
    """
    loader: Any = exam.case.train_loader
    if not isinstance(getattr(loader, "sampler", None), SequentialSampler):
        return None
    dataset: Any = getattr(loader, "dataset", None)
    rows: Any = None
    if isinstance(dataset, Subset):
        rows, dataset = list(dataset.indices), dataset.dataset
    labels = _stored_labels(dataset)
    first = exam.batches[0].target_tensor
    if labels is None or first is None:
        return None
    labels = labels if rows is None else labels[torch.as_tensor(rows)]
    begins_alike = torch.equal(labels[: first.shape[0]].cpu(), first.reshape(-1).long().cpu())
    valid = labels[(labels != IGNORED) & (labels >= 0)].cpu()
    return valid if begins_alike and valid.numel() else None


def _stored_labels(dataset: Any) -> Tensor | None:
    tensors = getattr(dataset, "tensors", None)
    stored = tensors[-1] if isinstance(tensors, tuple) and len(tensors) > 1 else None
    for name in _LABEL_ATTRIBUTES:
        stored = getattr(dataset, name, None) if stored is None else stored
    try:
        labels = torch.as_tensor(stored)
    except (TypeError, ValueError, RuntimeError):
        return None
    if labels.dim() == 2 and labels.shape[1] == 1:
        labels = labels.reshape(-1)
    whole = labels.dim() == 1 and bool((labels == labels.round()).all())
    return labels.detach().long() if whole else None
