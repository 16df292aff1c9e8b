"""What the training loss does over a run: its drop, its trend, its noise, whether it blows up."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from probes.logs.curve import Curve, Facts
from probes.logs.robust import Values, blocks, running_median, slope, spread
from probes.logs.series import Series

FEWEST: Final = 8  # points from which a trend can be told
_BLOCKS: Final = 20
_SPIKE: Final = 10.0  # MAD-z; and twice the level around it
_BLOWN_UP: Final = 20.0
_PROGRESS_LOST: Final = 0.5  # runmedic: half of the progress; trainproof: 1.5 times the minimum


def course(train: Curve) -> Facts:
    """Yield where the loss began, where it ended, and whether it lost its progress again."""
    yield "curve.train_start", train.start
    yield "curve.train_end", train.end
    yield "curve.train_drop", (train.start - train.end) / train.scale
    yield "curve.noise", train.noise / train.scale
    yield "curve.train_peak", _peak(train)
    yield "curve.train_best", (best := float(blocks(train.values, _BLOCKS).min()))
    if train.start > 0:
        yield "curve.peak_over_start", _peak(train) / train.start
        yield "curve.best_over_start", best / train.start
    if len(train.values) >= FEWEST:
        yield "curve.diverged", _diverged(train)


def _diverged(train: Curve) -> bool:
    """Return whether the loss ends far above its best, having lost most of its progress."""
    smooth = blocks(train.values, _BLOCKS)
    best = float(smooth.min())
    rise = train.end - best
    if train.end > 0.9 * train.start > 0 and _peak(train) > _BLOWN_UP * train.start:
        return True
    clear = rise > 6 * train.noise and rise > 0.1 * train.scale
    lost = rise > _PROGRESS_LOST * (max(train.start, best) - best)
    far = train.end > 1.5 * best if best > 0 else rise > train.scale
    return clear and lost and far and (_is_late(smooth) or train.end > train.start + rise / 2)


def _peak(train: Curve) -> float:
    highs = [high for high in train.series.highs or train.series.values if math.isfinite(high)]
    return max(highs)


def _is_late(smooth: Values) -> bool:
    """Return whether the end is no passing rise: the last tenth is high as a whole."""
    middle = (smooth.min() + smooth[-1]) / 2
    return bool((smooth[-2:] > middle).all())


def shape(train: Curve) -> Facts:
    """Yield how the loss moves: trend, pace, noise, plateau and spikes."""
    values = train.values
    third = len(values) // 3
    yield "curve.train_trend_at_end", _relative_change(train, len(values) - third)
    early, late = fall_along_trend(values[: third + 1]), fall_along_trend(values[-third - 1 :])
    if early > 0:
        yield "curve.late_over_early", late / early
    yield "curve.steadiness", _steadiness(values)
    yield (
        "curve.jump",
        float(np.median(np.abs(np.diff(values))))
        / max(abs(float(np.median(values))), 1e-3 * train.scale),
    )
    yield "curve.oscillation", _taken_back(values)
    yield "curve.plateau_share", plateau_share(train)
    yield from _spikes(train)
    yield "curve.from_start", _is_from_start(train.series)


def _relative_change(curve: Curve, begin: int) -> float:
    """Return the change from `begin` to the end along the trend, relative to the level there.

    0 when the noise could have made it: it must exceed three standard errors of such a trend.
    """
    steps, values = curve.steps[begin:], curve.values[begin:]
    if len(values) < 3 or steps[-1] == steps[0]:
        return 0.0
    change = slope(steps, values) * float(steps[-1] - steps[0])
    error = curve.noise * (12 / len(values)) ** 0.5
    if abs(change) < 3 * error:
        return 0.0
    return change / max(abs(float(np.median(values)) - change / 2), curve.level, 1e-300)


def fall_along_trend(values: Values) -> float:
    """Return by how much the values fall along their trend."""
    return -slope(np.arange(len(values), dtype=np.float64), values) * (len(values) - 1)


def _steadiness(values: Values) -> float:
    """Return the share of the movement between stretches of the run that went downward."""
    moves = np.diff(blocks(values, 10))
    total = float(np.abs(moves).sum())
    return float(-moves[moves < 0].sum()) / total if total > 0 else 0.0


def _taken_back(values: Values) -> float:
    path = float(np.abs(np.diff(values)).sum())
    return 1.0 - abs(float(values[-1] - values[0])) / path if path > 0 else 0.0


def plateau_share(curve: Curve) -> float:
    """Return the share of the run, at its end, during which the level no longer changes."""
    smooth = blocks(curve.values, _BLOCKS)
    inside, last = len(curve.values) / len(smooth), max(2, len(curve.values) // 10)
    chance = 5 * curve.noise * (1 / inside + 1 / last) ** 0.5  # of a difference of medians
    near = np.abs(smooth - curve.end) <= max(0.02 * curve.level, chance)
    outside = np.flatnonzero(~near)
    return 1.0 - (int(outside[-1]) + 1) / len(smooth) if len(outside) else 1.0


def _spikes(train: Curve) -> Facts:
    """Sudden rises that pass: far out of the noise, and at least to twice the level around."""
    finite = np.isfinite(np.array(train.series.values))
    highs = np.array(train.series.highs or train.series.values)[finite]
    usual = running_median(train.values, 15)
    sigma = max(spread(train.values - usual), 1e-3 * train.scale)
    rise = highs - usual
    odd = (rise > _SPIKE * sigma) & (rise > np.abs(usual)) & (rise > 0.5 * train.scale)
    odd[: max(5, len(odd) // 50)] = False  # the first steep fall
    begins = odd & ~np.concatenate(([False], odd[:-1]))
    yield "curve.spikes", int(begins.sum())
    if odd.any():
        yield (
            "curve.largest_spike",
            float((highs[odd] / np.maximum(np.abs(usual[odd]), 1e-3 * train.scale)).max()),
        )


def _is_from_start(series: Series) -> bool:
    """Return whether the log begins with the run, and not in the middle of it."""
    if series.axis == "entry":
        return True
    length = series.steps[-1] - series.steps[0]
    return series.steps[0] <= max(0.1 * length, 2.0)
