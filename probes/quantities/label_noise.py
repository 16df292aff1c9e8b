"""How many labels are wrong, and which: told by answers that are sure and yet contradicted.

Hard samples and wrong labels both make a model disagree with its labels. But where classes overlap
the answers given with most confidence are right, while labels that are wrong at random contradict
these as often as any others. So the disagreement among confident answers is the share of wrong
labels, and its ratio to that among all answers tells noise (1) from difficulty (0). After
Northcutt, Jiang and Chuang, "Confident learning" (2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

LISTED: Final = 32
_LEAST: Final = 60  # samples: of fewer nothing can be said


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """Estimated share of wrong labels, how evenly it spreads, and the samples concerned.

    `evenness`: disagreement among the surest quarter over that among all. `consistency`: what the
    model explains over what a perfect one could, were this share of labels wrong at random.
    `suspicious`: places of the surest contradicted samples, with the column each seems to be.
    """

    share: float
    evenness: float
    consistency: float
    suspicious: tuple[tuple[int, int, int], ...]


def estimate(predicted: Tensor, one_hot: Tensor, gain: float) -> LabelNoise | None:
    """Return the noise in the labels `one_hot` (N, C) by cross-validated answers (N, C)."""
    count, classes = one_hot.shape
    if count < _LEAST or classes < 2:
        return None
    best = predicted.topk(2, dim=1)
    sureness = best.values[:, 0] - best.values[:, 1]
    given, seems = one_hot.argmax(1), best.indices[:, 0]
    order = sureness.argsort(descending=True, stable=True)
    wrong = (given != seems)[order].double()
    share = float(wrong[: count // 2].mean())
    everywhere = float(wrong.mean())
    if everywhere == 0:
        return LabelNoise(0.0, 0.0, 1.0, ())
    evenness = min(float(wrong[: count // 4].mean()), share) / everywhere
    possible = max(1 - share * classes / (classes - 1), 0.0) ** 2
    consistency = gain / possible if possible > 0 else 0.0
    contradicted = order[wrong.bool()][:LISTED].tolist()
    listed = tuple((i, int(given[i]), int(seems[i])) for i in contradicted)
    return LabelNoise(share, evenness, consistency, listed)


def contradicting_share(inverse: Tensor, answers: Tensor) -> float:
    """Return the share of samples whose exact copy has another answer than theirs.

    `inverse` (N,): which distinct input each sample has; `answers` (N, C).
    """
    lowest = torch.full((int(inverse.max()) + 1, answers.shape[1]), torch.inf, dtype=answers.dtype)
    index = inverse[:, None].expand_as(answers)
    highest = (-lowest).scatter_reduce(0, index, answers, "amax")
    lowest = lowest.scatter_reduce(0, index, answers, "amin")
    return float((highest != lowest).any(1)[inverse].double().mean())
