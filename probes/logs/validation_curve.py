"""What training and validation loss do together."""

from __future__ import annotations

import numpy as np

from probes.logs.curve import Curve, Facts
from probes.logs.robust import Values, running_median
from probes.logs.training_curve import fall_along_trend


def pair(train: Curve, val: Curve, accuracy: Curve | None) -> Facts:
    """Yield whether the validation loss follows the training loss, or turns and rises."""
    since = _since(train, val)
    yield "curve.val_points", len(val.values)
    yield "curve.val_end", val.end
    yield "curve.val_gap", (val.end - train.end) / max(abs(val.end), 1e-300)
    if len(val.values) < 4 or len(since) < 4:
        return
    first = float(np.median(since[: max(1, len(since) // 20)]))
    train_drop = (first - train.end) / max(abs(first), 1e-300)
    val_drop = (val.start - val.end) / val.scale
    yield "curve.train_drop_since_validation", train_drop
    yield "curve.val_drop", val_drop
    lowest, rise = _rise_after_minimum(val)
    after = since[int(lowest * (len(since) - 1)) :]
    falls = _falls_clearly(after, train)
    rises = rise > 0.05 and falls
    yield "curve.val_rise", rise
    yield "curve.val_rise_over_start", rise * abs(val.end) / (1 + rise) / train.scale
    yield "curve.val_rises", rises
    yield "curve.val_minimum_at", lowest
    yield "curve.val_follows", val_drop >= 0.3 * train_drop and not rises
    if accuracy is not None and len(accuracy.values) >= 4:
        begin = int(lowest * (len(accuracy.values) - 1))
        gained = accuracy.end - float(accuracy.values[begin])
        yield "curve.val_accuracy_gain", gained


def _since(train: Curve, val: Curve) -> Values:
    """Return the training loss from the first validation on.

    Validation is often counted in epochs where training is counted in steps; then its first point
    lies at the end of the first of its equal stretches.
    """
    if train.series.axis == val.series.axis and val.steps[-1] > 0.5 * train.steps[-1]:
        later: Values = train.values[train.steps >= min(val.steps[0], train.steps[-1])]
        return later
    return train.values[len(train.values) // len(val.values) :]


def _rise_after_minimum(val: Curve) -> tuple[float, float]:
    """Return where (0..1) the smoothed validation loss is lowest, and its rise to the end.

    The rise, relative to the minimum, is 0 unless at least three later points all lie above the
    minimum and it stands out of the noise.
    """
    smooth = running_median(val.values, 3) if len(val.values) >= 5 else val.values
    at = int(np.argmin(smooth))
    later = smooth[at + 1 :]
    rise = float(np.median(smooth[-max(1, len(smooth) // 10) :]) - smooth[at])
    if len(later) < 3 or rise < 3 * val.noise:
        return at / (len(smooth) - 1), 0.0
    return at / (len(smooth) - 1), rise / max(abs(float(smooth[at])), 1e-3 * val.scale)


def _falls_clearly(values: Values, train: Curve) -> bool:
    if len(values) < 3:
        return False
    fall = fall_along_trend(values)
    error = train.noise * (12 / len(values)) ** 0.5
    return fall > 3 * error and fall > 0.05 * abs(float(np.median(values[:3])))
