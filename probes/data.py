"""Probe of the inputs: their scale, and what is missing, constant or repeated among them.

Sources of the measures: LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998), section 4.3
(inputs of mean 0 and equal variance); sections 1 to 3 of the "37 reasons".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch, tensors_in
from probes.probe import Probe
from probes.quantities.moments import Moments, constant, feature_axis, moments
from probes.quantities.unread import look_further

if TYPE_CHECKING:
    from probes.running.examination import Examination

FEATURES_LISTED = 512
_TOKEN_TYPES = (torch.int64, torch.int32, torch.int16)


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `input.*` over all drawn batches."""
    batches = exam.batches
    kind = input_kind(exam)
    yield exam.observe("input.kind", kind)
    yield exam.observe("input.samples_drawn", sum(batch.size for batch in batches))
    if kind == "continuous":
        found = input_moments(exam)
        exam.progress(0.5)
        yield from _scale(exam, found)
        yield from _per_feature(exam, found)
    yield from _samples(exam, kind == "continuous")


def input_kind(exam: Examination) -> str:
    """Return "continuous", "tokens" (integer ids) or "other" for the case's inputs."""
    tensors = list(tensors_in(exam.batch.inputs))
    if any(_continuous(tensor) for tensor in tensors):
        return "continuous"
    if any(tensor.dtype in _TOKEN_TYPES for tensor in tensors):
        embeds = any(isinstance(m, nn.Embedding | nn.EmbeddingBag) for m in exam.model.modules())
        table = tensors[0].dim() == 2 and not embeds and _fed_as_numbers(exam.model)
        return "continuous" if table else "tokens"
    return "other"


def input_tensors(batch: Batch) -> dict[str, Tensor]:
    """Return the batch's input tensors that hold measured values, by name."""
    inputs = batch.inputs
    if isinstance(inputs, Tensor):
        named = {"input": inputs}
    elif isinstance(inputs, Mapping):
        named = dict(_named(inputs))
    else:
        named = {f"input{i}": tensor for i, tensor in enumerate(tensors_in(inputs))}
    floating = {name: value for name, value in named.items() if _continuous(value)}
    return floating or named


def _named(inputs: Mapping[Any, Any]) -> Iterator[tuple[str, Tensor]]:
    for key, value in inputs.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", tensor) for inner, tensor in _named(value))
            continue
        tensors = list(tensors_in(value))
        numbered = [str(key)] if len(tensors) == 1 else [f"{key}.{i}" for i in range(len(tensors))]
        yield from zip(numbered, tensors, strict=True)


def input_moments(exam: Examination) -> dict[str, Moments]:
    """Return the moments of each continuous input tensor over all drawn batches."""
    columns: dict[str, list[Tensor]] = {}
    for batch in exam.batches:
        for name, tensor in input_tensors(batch).items():
            columns.setdefault(name, []).append(tensor)
    return {
        name: moments(tensors, feature_axis(tensors[0], exam.model))
        for name, tensors in columns.items()
    }


def _continuous(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or (tensor.dtype == torch.uint8 and tensor.dim() >= 2)


def _fed_as_numbers(model: nn.Module) -> bool:
    layers = (m for m in model.modules() if next(m.parameters(recurse=False), None) is not None)
    return isinstance(next(layers, None), nn.Linear | nn.modules.batchnorm._BatchNorm)


def _scale(exam: Examination, found: Mapping[str, Moments]) -> Iterator[Observation]:
    parts = list(found.values())
    weight = [float(part.position_mean.numel()) for part in parts]
    total = sum(weight)
    mean = sum(w * p.overall_mean for w, p in zip(weight, parts, strict=True)) / total
    spread = sum(
        w * (p.overall_std**2 + (p.overall_mean - mean) ** 2)
        for w, p in zip(weight, parts, strict=True)
    )
    std = (spread / total) ** 0.5
    yield exam.observe("input.mean", mean)
    yield exam.observe("input.std", std)
    yield exam.observe("input.max_abs", max(part.max_abs for part in parts))
    if std > 0:
        yield exam.observe("input.mean_over_std", abs(mean) / std)
    share = sum(w * p.nonfinite_share for w, p in zip(weight, parts, strict=True)) / total
    yield from _nonfinite(exam, share)


def _nonfinite(exam: Examination, share: float) -> Iterator[Observation]:
    """Give what is NaN or infinite, in the drawn batches and beyond."""
    with exam.restored("all"):
        unread = look_further(
            exam.case.train_loader, exam.model, lambda batch: input_tensors(batch).values()
        )
    bad = _bad_rows(exam.batches)
    first = _bad_rows([exam.batch])
    seen, found = sum(batch.size for batch in exam.batches), 0 if bad is None else int(bad.sum())
    if unread is not None and (unread.bad_samples > found or unread.samples > seen):
        share = max(unread.share, share)
        seen, found = unread.samples, unread.bad_samples
    yield exam.observe("input.nonfinite_share", share)
    if bad is not None and first is not None:
        yield exam.observe("input.nonfinite_samples", found)
        yield exam.observe("input.samples_read", seen)
        yield exam.observe("input.nonfinite_in_batch", int(first.sum()))


def _bad_rows(batches: list[Batch]) -> Tensor | None:
    """Return which samples hold NaN or infinity, None where inputs do not line up with samples."""
    bad = []
    for batch in batches:
        rows = [t.reshape(t.shape[0], -1) for t in input_tensors(batch).values() if t.dim()]
        if len({row.shape[0] for row in rows}) != 1:
            return None
        bad.append(torch.stack([~torch.isfinite(row).all(1) for row in rows]).any(0))
    return torch.cat(bad)


def _per_feature(exam: Examination, found: Mapping[str, Moments]) -> Iterator[Observation]:
    names = [f"{name}[{i}]" for name, part in found.items() for i in range(part.mean.numel())]
    mean = torch.cat([part.mean for part in found.values()]).cpu()
    std = torch.cat([part.std for part in found.values()]).cpu()
    listed = tuple(names[:FEATURES_LISTED])
    yield exam.observe("input.feature_mean", tuple(mean[:FEATURES_LISTED].tolist()), where=listed)
    yield exam.observe("input.feature_std", tuple(std[:FEATURES_LISTED].tolist()), where=listed)
    varying = std[~constant(mean, std)]
    yield exam.observe("input.feature_scale_ratio", scale_ratio(varying))
    yield exam.observe("input.effective_feature_share", effective_share(varying))
    fixed = torch.cat([constant(p.position_mean, p.position_std) for p in found.values()])
    yield exam.observe("input.constant_feature_share", float(fixed.double().mean()))


def scale_ratio(std: Tensor) -> float:
    """Return the largest over the smallest of `std`, 1.0 for fewer than two."""
    return float(std.max() / std.min()) if std.numel() > 1 else 1.0


def effective_share(std: Tensor) -> float:
    """Return the participation ratio of the variances over their number.

    1 when all features vary equally, 1/F when one of F carries all the variance.
    """
    if std.numel() < 2:
        return 1.0
    var = (std / std.max()).square()
    return float(var.sum().square() / var.square().sum() / var.numel())


def _samples(exam: Examination, continuous: bool) -> Iterator[Observation]:
    yield from _repeats(exam)
    if not continuous:
        return
    flat = []
    for batch in exam.batches:
        rows = [t.reshape(t.shape[0], -1) for t in input_tensors(batch).values() if t.dim()]
        if len({row.shape[0] for row in rows}) != 1:
            return
        flat.append(torch.stack([(row == row[:, :1]).all(1) for row in rows]).all(0))
    one_value = all(t[:1].numel() == 1 for t in input_tensors(exam.batch).values())
    share = 0.0 if one_value else float(torch.cat(flat).double().mean())
    yield exam.observe("input.constant_sample_share", share)


def _repeats(exam: Examination) -> Iterator[Observation]:
    inputs = [_fingerprints(batch.inputs, batch.size) for batch in exam.batches]
    if any(rows is None for rows in inputs):
        return
    rows = torch.cat([row for row in inputs if row is not None])
    most = int(torch.unique(rows, return_counts=True)[1].max())
    yield exam.observe("input.identical_sample_share", most / len(rows) if most > 1 else 0.0)
    if len(exam.batches) >= 2:
        whole = [_fingerprints(batch.raw, batch.size) for batch in exam.batches]
        same = [
            one is not None and other is not None and torch.equal(one, other)
            for one, other in pairwise(whole)
        ]
        # one equal pair may be chance where samples are few; the same one again and again is not
        yield exam.observe("input.repeated_batch", 2 * sum(same) > len(same))
        yield exam.observe("input.repeated_batch_share", sum(same) / len(same))


def _fingerprints(structure: object, size: int) -> Tensor | None:
    """Return one 64-bit number per sample (equal for exact copies), None where rows do not fit."""
    total: Tensor | None = None
    generator = torch.Generator().manual_seed(0x5EED)
    for tensor in tensors_in(structure):
        if tensor.dim() == 0 or tensor.shape[0] != size or not tensor.numel():
            return None
        rows = _bits(tensor.detach().cpu().reshape(size, -1))
        odd = torch.randint(-(2**62), 2**62, (rows.shape[1],), generator=generator) * 2 + 1
        mixed = rows * odd
        mixed = (mixed ^ (mixed >> 29)) * -7046029254386353131  # so that swapped bits do not cancel
        total = mixed.sum(1) if total is None else total * 31 + mixed.sum(1)
    return total


def _bits(rows: Tensor) -> Tensor:
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    if rows.is_complex():
        rows = torch.view_as_real(rows).flatten(1)
    return rows.contiguous().view(whole[rows.element_size()]).to(torch.int64)


PROBE = Probe(
    id="data",
    title=Text(en="The inputs", zh="输入数据"),
    needs=(),
    provides=(
        "input.kind",
        "input.mean",
        "input.std",
        "input.max_abs",
        "input.mean_over_std",
        "input.feature_std",
        "input.feature_mean",
        "input.feature_scale_ratio",
        "input.effective_feature_share",
        "input.nonfinite_share",
        "input.nonfinite_samples",
        "input.nonfinite_in_batch",
        "input.samples_read",
        "input.constant_feature_share",
        "input.constant_sample_share",
        "input.identical_sample_share",
        "input.repeated_batch",
        "input.repeated_batch_share",
        "input.samples_drawn",
    ),
    cost=1,
    seconds=0.01,
    measure=measure,
)
