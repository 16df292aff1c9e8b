"""Treatments of how samples are put into batches, and which of them are used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from expert.language import Text
from probes.case.batches import Batch, map_tensors, take_apart_like
from probes.case.case import Case
from probes.data import input_tensors
from probes.quantities.task import class_labels, infer
from probes.running.examination import Examination
from probes.training.regrouped import alike, gathered, places
from probes.trials.course import Course
from probes.trials.trial import Trial, Unsuitable, over_batches

USUAL: Final = 32  # samples of a batch; Bengio (2012) and the sources' "16 to 32"
SEED: Final = 0
SUSPECT_SHARE: Final = 0.3  # of the samples, at most, that are left out
NEIGHBOURS: Final = 10


def _regrouped(exam: Examination, size: int) -> Case:
    def change(batches: list[Batch]) -> Sequence[Batch] | None:
        if batches is not exam.batches:
            return batches
        return _of_size(batches, size)

    return over_batches(exam, change)


def _of_size(batches: list[Batch], size: int) -> Sequence[Batch] | None:
    if len(alike(batches)) < len(batches):
        return None
    every = places(batches)
    if len(every) < size:
        return None
    groups = [every[i : i + size] for i in range(0, len(every) - size + 1, size)]
    return [gathered(batches, group) for group in groups]


def _smaller(exam: Examination) -> Case:
    if exam.batches[0].size <= USUAL:
        raise Unsuitable(
            en=f"the batches have no more than {USUAL} samples", zh=f"批次不超过 {USUAL} 个样本"
        )
    return _regrouped(exam, USUAL)


def _larger(exam: Examination) -> Case:
    if exam.batches[0].size >= USUAL:
        raise Unsuitable(
            en=f"the batches have {USUAL} samples or more", zh=f"批次不少于 {USUAL} 个样本"
        )
    return _regrouped(exam, USUAL)


def _same_samples(course: Course, before: int, after: int) -> int:
    """Return as many steps as show the same samples."""
    return math.ceil(course.steps * after / before)


def _without_last(exam: Examination) -> Case:
    full = exam.batches[0].size
    whole = [batch for batch in exam.batches if batch.size == full]
    if len(whole) == len(exam.batches):
        raise Unsuitable(en="all batches are full", zh="所有批次都是满的")
    return over_batches(exam, lambda batches: whole if batches is exam.batches else batches)


def _balanced(exam: Examination) -> Case:
    """Draw as many samples of every class, with repetition."""
    batches, labels = exam.batches, _labels(exam)
    every = places(batches)
    count = torch.bincount(labels)
    if int((count > 0).sum()) < 2:
        raise Unsuitable(en="there is one class only", zh="只有一个类别")
    weight = 1.0 / count.clamp(min=1).double()
    chosen = torch.multinomial(
        weight[labels], len(every), replacement=True, generator=torch.Generator().manual_seed(SEED)
    )
    return _chosen(exam, chosen.tolist())


def _labels(exam: Examination) -> Tensor:
    """Return the class of every sample, on the host. Raises Unsuitable where there is none."""
    batches = exam.batches
    targets = [t for batch in batches if (t := batch.target_tensor) is not None]
    labels = class_labels(infer(exam), targets) if len(targets) == len(batches) else None
    known = None if labels is None else torch.cat(labels).cpu()
    if known is None or len(known) != len(places(batches)) or len(alike(batches)) < len(batches):
        raise Unsuitable(en="the targets name no single class", zh="目标不是单一类别")
    return known


def _chosen(exam: Examination, chosen: Sequence[int]) -> Case:
    """Return the case with these samples, in batches of the same size."""
    batches, every, size = exam.batches, places(exam.batches), exam.batches[0].size
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    full = [group for group in groups if len(group) == size] or groups
    made = [gathered(batches, [every[index] for index in group]) for group in full]
    return over_batches(exam, lambda given: made if given is batches else given)


def _without_suspects(exam: Examination) -> Case:
    """Leave out the samples whose label most of their nearest neighbours contradict.

    After Wilson (1972), edited nearest neighbours; features as the model gets them, standardised.
    """
    labels, batches = _labels(exam), exam.batches
    columns = [next(iter(input_tensors(batch).values()), None) for batch in batches]
    if any(column is None or not column.is_floating_point() for column in columns):
        raise Unsuitable(en="the inputs are no numbers", zh="输入不是数值")
    x = torch.cat([c.reshape(c.shape[0], -1) for c in columns if c is not None]).float().cpu()
    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-6)
    contradicted = _contradicted(x, labels)
    keep = (~contradicted).nonzero()[:, 0].tolist()
    share = 1 - len(keep) / len(labels)
    if not 0 < share <= SUSPECT_SHARE * 1.5 or len(keep) < batches[0].size:
        raise Unsuitable(
            en=f"neighbours contradict {share:.0%} of the labels: too few or too many to leave out",
            zh=f"邻近样本与 {share:.0%} 的标签相矛盾：太少或太多，无法剔除",
        )
    return _chosen(exam, keep)


def _contradicted(x: Tensor, labels: Tensor) -> Tensor:
    """Return for every sample whether its neighbours agree on another label than its own."""
    found = []
    for start in range(0, len(x), 512):
        part = torch.cdist(x[start : start + 512], x)
        rows = torch.arange(len(part))
        part[rows, start + rows] = math.inf
        near = labels[part.topk(min(NEIGHBOURS, len(x) - 1), largest=False).indices]
        votes = torch.nn.functional.one_hot(near, int(labels.max()) + 1).sum(1)
        own = votes[rows, labels[start : start + 512]]
        found.append((votes.max(1).values > near.shape[1] / 2) & (own < near.shape[1] / 4))
    return torch.cat(found)


def _finite_samples(exam: Examination) -> Case:
    batches = exam.batches
    if len(alike(batches)) < len(batches):
        raise Unsuitable(en="the batches cannot be taken apart", zh="批次无法拆分")
    bad = [_bad_rows(batch) for batch in batches]
    keep = [n for n, wrong in enumerate(torch.cat(bad).tolist()) if not wrong]
    if len(keep) in (0, len(places(batches))):
        raise Unsuitable(en="all samples are finite, or none is", zh="样本全部有限，或全部不是")
    return _chosen(exam, keep)


def _bad_rows(batch: Batch) -> Tensor:
    bad = torch.zeros(batch.size, dtype=torch.bool)
    for tensor in input_tensors(batch).values():
        bad |= (~torch.isfinite(tensor)).reshape(tensor.shape[0], -1).any(1).cpu()
    return bad


def _mixed_split(exam: Examination) -> Case:
    """Mix training and validation samples and split them anew, in the same proportion."""
    train, val = exam.batches, exam.val_batches
    both = [*train, *val]
    if not val or len(alike(both)) < len(both):
        raise Unsuitable(
            en="there are no validation samples like those of training",
            zh="没有与训练样本形式相同的验证样本",
        )
    every = places(both)
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(SEED)).tolist()
    shuffled = iter([every[index] for index in order])
    made = [gathered(both, [next(shuffled) for _ in range(batch.size)]) for batch in both]
    new = made[: len(train)], made[len(train) :]
    return over_batches(exam, lambda batches: new[0] if batches is train else new[1])


def _prepared_alike(exam: Examination) -> Case:
    """Give every validation feature the mean and deviation that it has in training."""
    train, val = _features(exam.batches), _features(exam.val_batches)
    if not val or train[0].shape[1:] != val[0].shape[1:]:
        raise Unsuitable(
            en="there are no validation inputs like those of training",
            zh="没有与训练输入形式相同的验证输入",
        )
    axes = (0,) if train[0].dim() <= 2 else (0, *range(2, train[0].dim()))
    mean, std = _moments(train, axes)
    val_mean, val_std = _moments(val, axes)

    def alike_(batch: Batch) -> Batch:
        given = next(iter(input_tensors(batch).values()))
        fitted = (given - val_mean) / val_std.clamp(min=1e-12) * std + mean
        fitted = fitted.to(given.dtype)
        return take_apart_like(batch, map_tensors(batch.raw, lambda t: fitted if t is given else t))

    train_batches = exam.batches
    return over_batches(
        exam,
        lambda batches: batches if batches is train_batches else [alike_(b) for b in batches],
    )


def _features(batches: Sequence[Batch]) -> list[Tensor]:
    found = [next(iter(input_tensors(batch).values()), None) for batch in batches]
    return [t for t in found if t is not None and t.is_floating_point()]


def _moments(values: Sequence[Tensor], axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    every = torch.cat(list(values)).double()
    return every.mean(axes, keepdim=True), every.std(axes, keepdim=True)


TRIALS: Final = (
    Trial(
        "smaller-batches",
        Text(en=f"batches of {USUAL}, over as many samples", zh=f"批次大小 {USUAL}，样本总量相同"),
        _smaller,
        own_length=True,
        steps=_same_samples,
    ),
    Trial("larger-batches", Text(en=f"batches of {USUAL}", zh=f"批次大小 {USUAL}"), _larger),
    Trial(
        "without-last-batch",
        Text(en="without the incomplete last batch", zh="丢弃不完整的最后一批"),
        _without_last,
    ),
    Trial(
        "balanced-sampling",
        Text(en="all classes drawn equally often", zh="各类别等频抽样"),
        _balanced,
        same_loss=False,
    ),
    Trial(
        "without-suspects",
        Text(
            en="without the samples that their neighbours contradict", zh="剔除与邻近样本矛盾的样本"
        ),
        _without_suspects,
        goal="validation",
    ),
    Trial(
        "without-nonfinite-samples",
        Text(en="without samples that are not finite", zh="剔除含非有限值的样本"),
        _finite_samples,
    ),
    Trial(
        "mixed-split",
        Text(en="split anew after shuffling", zh="打乱后重新划分"),
        _mixed_split,
        goal="validation",
    ),
    Trial(
        "validation-prepared-alike",
        Text(en="validation inputs prepared like training", zh="验证输入按训练方式预处理"),
        _prepared_alike,
        goal="validation",
    ),
)
