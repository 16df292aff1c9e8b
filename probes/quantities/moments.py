"""Moments of the input and target tensors, feature by feature, and standardising by them.

Sums are taken in float64 around the first batch's mean, so that a feature of mean 1e6 and
deviation 1e-2 keeps its digits. Everything stays on the batches' device until it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STANDARDISED_LIMIT = 6.0  # rare features (one pixel lit in a thousand images) would else reach 100


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation over samples.

    `mean`, `std`: float64, one value per feature. `position_std`, `position_mean`: one value per
    position of a sample (equal to the features where positions differ between batches). `axis`: the
    feature axis in a batch; 0 where a sample is one number.
    """

    axis: int
    mean: Tensor
    std: Tensor
    position_mean: Tensor
    position_std: Tensor
    overall_mean: float
    overall_std: float
    max_abs: float
    nonfinite_share: float


def moments(batches: Sequence[Tensor], axis: int) -> Moments:
    """Return the moments of `batches` (each N, ...), of their finite values only."""
    same_shape = all(batch.shape[1:] == batches[0].shape[1:] for batch in batches)
    rows = [_rows(batch, axis, keep_positions=same_shape) for batch in batches]
    count, mean, var = _streamed(rows)
    shape = batches[0].shape[1:] if same_shape else mean.shape
    feature = _pooled(count, mean, var, shape, axis - 1 if same_shape and axis else None)
    whole = _pooled(count, mean, var, (mean.numel(), 1), 1)
    values = sum(batch.numel() for batch in batches)
    largest, overall_mean, overall_std, seen = torch.stack(
        [_largest(rows), whole[0][0], whole[1][0], count.sum()]
    ).tolist()
    return Moments(
        axis=axis,
        mean=feature[0],
        std=feature[1],
        position_mean=mean,
        position_std=var.sqrt(),
        overall_mean=overall_mean,
        overall_std=overall_std,
        max_abs=largest,
        nonfinite_share=1.0 - seen / values if values else 0.0,
    )


def constant(mean: Tensor, std: Tensor) -> Tensor:
    """Return which features never change, up to rounding."""
    return std <= 1e-8 * (1.0 + mean.abs())


def standardise(batch: Tensor, found: Moments, *, limit: float | None = None) -> Tensor:
    """Return `batch` with every feature at mean 0 and deviation 1 (constant ones at 0).

    A copy; values beyond `limit` deviations are cut to it.
    """
    shape = [1] * batch.dim()
    if found.axis:
        shape[found.axis] = -1
    std = torch.where(constant(found.mean, found.std), 1.0, found.std)
    scaled = (wide(batch) - found.mean.view(shape)) / std.view(shape)
    if limit is not None:
        scaled = scaled.clamp(-limit, limit)
    return scaled.to(batch.dtype if batch.is_floating_point() else torch.get_default_dtype())


def feature_axis(batch: Tensor, model: nn.Module) -> int:
    """Return the axis of `batch` that holds the features.

    Columns of N,F; channels of images (N,C,H,W, or N,H,W,C where that is evident) and of what a
    one-dimensional convolution reads (N,C,T); else the last axis of sequences (N,T,F).
    """
    if batch.dim() <= 1:
        return 0
    if batch.dim() == 3:
        return 1 if _begins_with_conv1d(model) else 2
    channels = (1, 2, 3, 4)
    if batch.dim() == 4 and batch.shape[-1] in channels and batch.shape[1] not in channels:
        return 3
    return 1


def wide(values: Tensor) -> Tensor:
    """Return `values` in float64, off the one device kind that has none."""
    return (values.cpu() if values.device.type == "mps" else values).to(torch.float64)


def _begins_with_conv1d(model: nn.Module) -> bool:
    layers = (m for m in model.modules() if next(m.parameters(recurse=False), None) is not None)
    return isinstance(next(layers, None), nn.Conv1d)


def _rows(batch: Tensor, axis: int, *, keep_positions: bool) -> Tensor:
    if keep_positions or not axis:
        return batch.reshape(batch.shape[0], -1)
    return batch.movedim(axis, -1).reshape(-1, batch.shape[axis])


def _streamed(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return count, mean and variance of each column over all `rows`, finite values only."""
    first = wide(rows[0])
    shift = torch.nan_to_num(torch.where(torch.isfinite(first), first, torch.nan).nanmean(0))
    count, total, squares = (torch.zeros_like(shift) for _ in range(3))
    for row in rows:
        values = wide(row)
        finite = torch.isfinite(values)
        deviation = torch.where(finite, values - shift, 0.0)
        count += finite.sum(0)
        total += deviation.sum(0)
        squares += deviation.square().sum(0)
    seen = count.clamp(min=1)
    mean = total / seen
    return count, shift + mean, (squares / seen - mean.square()).clamp(min=0.0)


def _pooled(
    count: Tensor, mean: Tensor, var: Tensor, shape: Sequence[int], axis: int | None
) -> tuple[Tensor, Tensor]:
    """Pool the moments of positions (laid out as `shape`) into those of the features on `axis`."""
    if axis is None:
        return mean, var.sqrt()
    # the requested axis in front, everything else in one column behind it
    weight, centre, spread = (
        values.reshape(tuple(shape)).movedim(axis, 0).flatten(1)
        if len(shape) > 1
        else values.reshape(-1, 1)
        for values in (count, mean, var)
    )
    seen = weight.sum(1).clamp(min=1)
    pooled = (weight * centre).sum(1) / seen
    within = weight * (spread + (centre - pooled.unsqueeze(1)).square())
    return pooled, (within.sum(1) / seen).sqrt()


def _largest(rows: Sequence[Tensor]) -> Tensor:
    tops = [wide(row).abs() for row in rows if row.numel()]
    finite = [torch.where(torch.isfinite(top), top, 0.0).max() for top in tops]
    return torch.stack(finite).max() if finite else wide(rows[0]).new_zeros(())
