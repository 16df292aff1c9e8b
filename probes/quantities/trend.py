"""A straight line that a few odd layers cannot bend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Final

_MOST_POINTS: Final = 300


def factor_per_layer(depths: Sequence[int], values: Sequence[float]) -> float | None:
    """Return the factor by which positive `values` grow per unit of depth (1.0: not at all).

    The Theil-Sen estimator (median of pairwise slopes) on the logarithms. The deepest layer, whose
    few units set it apart, is left out. None when fewer than three different depths hold finite
    positive values.
    """
    points = [
        (depth, math.log(value))
        for depth, value in zip(depths, values, strict=True)
        if math.isfinite(value) and value > 0
    ]
    levels = sorted({depth for depth, _ in points})
    if len(levels) < 3:
        return None
    points = [point for point in points if point[0] < levels[-1]]
    points = points[:: math.ceil(len(points) / _MOST_POINTS)]
    slopes = [(b - a) / (y - x) for (x, a), (y, b) in combinations(points, 2) if x != y]
    return math.exp(min(max(median(slopes), -700.0), 700.0)) if slopes else None
