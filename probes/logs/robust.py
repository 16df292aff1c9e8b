"""Statistics that noise and single odd values cannot bend."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_MAD_TO_SIGMA: Final = 1.4826  # of a normal distribution
_MOST_POINTS: Final = 300


def running_median(values: Values, width: int) -> Values:
    """Return the median of the `width` values around each value (fewer at the ends)."""
    half = max(width // 2, 1)
    padded = np.pad(values, half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)


def spread(values: Values) -> float:
    """Return the standard deviation, estimated from the median absolute deviation."""
    return float(_MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def noise_around_trend(values: Values) -> float:
    """Return the spread from one value to the next, whatever the trend.

    From second differences, whose trend is gone; their variance is six times that of the values.
    """
    if len(values) < 5:
        return 0.0
    return spread(np.diff(values, 2)) / 6**0.5


def slope(positions: Values, values: Values) -> float:
    """Return the Theil-Sen slope: the median of the slopes between all pairs of points."""
    stride = -(-len(values) // _MOST_POINTS)
    x, y = positions[::stride], values[::stride]
    first, second = np.triu_indices(len(x), 1)
    run = x[second] - x[first]
    real = run != 0
    return float(np.median((y[second] - y[first])[real] / run[real])) if real.any() else 0.0


def blocks(values: Values, count: int) -> Values:
    """Return the medians of `count` equal stretches (fewer when there are fewer values)."""
    parts = np.array_split(values, min(count, len(values)))
    return np.array([np.median(part) for part in parts])
