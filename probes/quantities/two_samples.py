"""Two sets of samples: the same source, prepared alike, without overlap?

The classifier two-sample test (Lopez-Paz and Oquab, 2017): if a cheap model can tell, with
cross-validation, from which set a sample comes, the sets differ. Repeated with each set
standardised by itself, it tells another scale (the difference is gone) from other contents. Only
linear models are asked: neighbours also recognise the groups (patients, scenes) that a careful
split keeps apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from probes.quantities.cheap_models import linear_smoothers
from probes.quantities.tables import Scaling

SIDE_SAMPLES: Final = 400
MIN_COLUMNS: Final = 4  # in fewer a near miss already differs in a third of them
MOST_COLUMNS: Final = 64
MOST_ROWS: Final = 4000
ASKED: Final = 100  # samples whose nearest other is looked for
EXACT: Final = 2e-4  # rounding of float32 sums, far below any sampling error


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one set's features lie from the other's.

    `scale`: median ratio of the deviations; `shift`: median distance of the means in deviations of
    the first; `share`: share of features whose means differ beyond chance and visibly.
    """

    scale: float
    shift: float
    share: float


def moved(one: Tensor, other: Tensor) -> Moved | None:
    """Compare the columns of two sets of rows (N, P), (M, P)."""
    deviation = one.std(0)
    varying = deviation > 1e-8 * (1 + one.mean(0).abs())
    if not bool(varying.any()) or len(other) < 2:
        return None
    one, other, deviation = one[:, varying], other[:, varying], deviation[varying]
    distance = (other.mean(0) - one.mean(0)).abs() / deviation
    ratio = other.std(0) / deviation
    error = (1 / len(one) + ratio.square() / len(other)).sqrt().clamp(min=1e-12)
    beyond = (distance / error > 5) & (distance > 0.25)
    return Moved(float(ratio.median()), float(distance.median()), float(beyond.double().mean()))


def tell_apart(one: Tensor, other: Tensor) -> float:
    """Return the area under the ROC curve with which linear models tell the sets apart."""
    one, other = _some(one), _some(other)
    features = torch.cat([one, other])
    side = torch.cat([torch.zeros(len(one)), torch.ones(len(other))])
    target = (side - side.mean())[:, None]
    models = linear_smoothers(features).values()
    return max(_area((weights @ target)[:, 0], side) for weights in models)


def tell_apart_rows(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Return the area for rows on one common scale, and for each set standardised by itself."""
    common, own = Scaling.of(one), Scaling.of(other)
    return tell_apart(common(one), common(other)), tell_apart(common(one), own(other))


def total_variation(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Return the distance of two label distributions (one-hot rows), and its p-value (chi squared).

    Half the sum of the absolute differences of the classes' shares: 0 alike, 1 disjoint.
    """
    counts = torch.stack([one.sum(0), other.sum(0)])
    counts = counts[:, counts.sum(0) > 0]
    shares = counts / counts.sum(1, keepdim=True)
    expected = counts.sum(1, keepdim=True) * (counts.sum(0) / counts.sum())
    statistic = float(((counts - expected).square() / expected).sum())
    freedom = counts.shape[1] - 1
    distance = float((shares[0] - shares[1]).abs().sum() / 2)
    return distance, _chi_squared_tail(statistic, freedom)


def largest_gap(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of two sets of numbers and its p-value."""
    both = torch.cat([one, other]).sort().values
    steps = [torch.searchsorted(part.sort().values, both, right=True) for part in (one, other)]
    distance = float((steps[0] / len(one) - steps[1] / len(other)).abs().max())
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    x = (size + 0.12 + 0.11 / size) * distance
    tail = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 50))
    return distance, min(max(tail, 0.0), 1.0) if x > 0.3 else 1.0


def exactly_standard(rows: Tensor) -> float:
    """Return the share of varying columns whose mean is 0 and deviation 1 to rounding.

    1 also when that holds for all values taken together.
    """
    return max(_standard_columns(rows), _standard_columns(rows.reshape(-1, 1)))


def _standard_columns(rows: Tensor) -> float:
    count, mean, spread = len(rows), rows.mean(0), rows.var(0, correction=0).sqrt()
    varying = spread > 1e-6
    if count < 8 or int(varying.sum()) == 0:
        return 0.0
    one = ((spread - 1).abs() < EXACT) | (
        (spread * math.sqrt(count / (count - 1)) - 1).abs() < EXACT
    )
    return float((one & (mean.abs() < EXACT))[varying].double().mean())


def exactly_spanning(rows: Tensor) -> Tensor:
    """Return per column whether it spans 0..1 or -1..1 exactly, each end reached once or twice."""
    low, high = rows.amin(0), rows.amax(0)
    unit = ((low.abs() < EXACT) | ((low + 1).abs() < EXACT)) & ((high - 1).abs() < EXACT)
    ends = torch.stack([(rows <= low).sum(0), (rows >= high).sum(0)])
    return unit & (ends <= 2).all(0)


def natural_copies(rows: Tensor) -> float:
    """Return the chance that two rows agree, were their columns independent."""
    logarithm = 0.0
    for column in rows.T[:256]:
        counts = torch.unique(column, return_counts=True)[1].double()
        logarithm += math.log(float((counts / counts.sum()).square().sum()))
    return math.exp(max(logarithm, -700.0))


def nearest_unlike(rows: Tensor) -> float | None:
    """Return in which share of their columns samples differ from the other one most like them.

    Copies aside; the median over samples. Where rows agree by chance, many more nearly agree: then
    it is small, and an exact copy is no wonder. None for fewer than four columns that vary.
    """
    columns = torch.nonzero(rows.amax(0) > rows.amin(0)).flatten()
    if len(columns) < MIN_COLUMNS:
        return None
    generator = torch.Generator().manual_seed(0)
    chosen = columns[torch.randperm(len(columns), generator=generator)[:MOST_COLUMNS]]
    table = torch.unique(_spread(rows, MOST_ROWS)[:, chosen], dim=0)
    if len(table) < 2:
        return None
    found = []
    for place in torch.randperm(len(table), generator=generator)[:ASKED].tolist():
        differing = (table != table[place]).double().mean(1)
        differing[place] = 1.0
        found.append(differing.min())
    return float(torch.stack(found).median())


def _some(features: Tensor) -> Tensor:
    """Return the features of at most SIDE_SAMPLES samples, evenly spaced."""
    return _spread(features, SIDE_SAMPLES)


def _spread(rows: Tensor, most: int) -> Tensor:
    return rows if len(rows) <= most else rows[torch.linspace(0, len(rows) - 1, most).long()]


def _area(score: Tensor, side: Tensor) -> float:
    order = score.argsort()
    ranks = torch.empty_like(score)
    ranks[order] = torch.arange(1.0, len(score) + 1)
    _, inverse, counts = torch.unique(score, return_inverse=True, return_counts=True)
    ranks = (torch.zeros(len(counts)).scatter_add_(0, inverse, ranks) / counts)[inverse]  # ties
    positive = side > 0.5
    few, many = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - few * (few + 1) / 2) / (few * many))


def _chi_squared_tail(statistic: float, freedom: int) -> float:
    """Return P(chi squared > statistic)."""
    if freedom <= 0:
        return 1.0
    a, x = torch.tensor(freedom / 2.0), torch.tensor(statistic / 2.0)
    return float(torch.special.gammaincc(a.double(), x.double()))
