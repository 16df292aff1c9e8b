"""Cheap models in closed form: what a target owes to the inputs, without training anything.

Ridge regression, kernel ridge regression and nearest neighbours answer with a weighted mean of the
targets of other samples; the weights depend on the inputs alone. So the matrix of weights is made
once (cross-validated: a sample's own fold has weight 0), and a permutation test of the labels is
one product of matrices (Ojala and Garriga, "Permutation tests for studying classifier
performance", 2010). That is why scikit-learn's estimators, which refit each time, are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from probes.quantities.tables import Scaling

FOLDS: Final = 5
NEIGHBOURS: Final = 7
PERMUTATIONS: Final = 99
_RIDGES: Final = (0.02, 0.5)  # of the number of samples
_KERNEL_RIDGES: Final = (0.05, 0.5)
_CHUNK: Final = 20  # permutations at a time

_Weights = list[tuple[str, Tensor]]  # by model, (test, train)
_OfFold = Callable[[Tensor, Tensor], _Weights]  # from the samples that train and that are told


@dataclass(frozen=True, slots=True)
class Association:
    """How much of a target the best cheap model explains.

    `gain`: share of the squared error of the mean that it saves (0: nothing, 1: all), `p_value` of
    the same with targets in another order, `predicted` (N, C) cross-validated answers.
    """

    model: str
    gain: float
    p_value: float
    predicted: Tensor


def folds_of(count: int) -> Tensor:
    """Return the number of the fold of each sample, at random but always the same."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1))
    return order % FOLDS


def smoothers(features: Tensor) -> dict[str, Tensor]:
    """Return by model the weights (N, N) with which each sample is told from the others."""
    distances = torch.cdist(features, features).square()
    width = distances.median().clamp(min=1e-12)
    kernel = (-distances / width).exp()
    return _crossed(features, lambda *fold: _of_fold(features, kernel, distances, *fold))


def linear_smoothers(features: Tensor) -> dict[str, Tensor]:
    """Return those of the linear models alone, which take a small part of the time."""
    return _crossed(features, lambda *fold: _linear_of_fold(features, *fold))


def _crossed(features: Tensor, models: _OfFold) -> dict[str, Tensor]:
    """Return the weights (N, N) of models, each sample told by those trained without its fold."""
    count, folds = len(features), folds_of(len(features))
    found: dict[str, Tensor] = {}
    for fold in range(FOLDS):
        test = (folds == fold).nonzero()[:, 0]
        train = (folds != fold).nonzero()[:, 0]
        if not len(test) or not len(train):
            continue
        for name, weights in models(train, test):
            if name not in found:
                found[name] = torch.zeros(count, count)
            found[name][test[:, None], train] = weights.float()
    return found


def associate(
    models: Mapping[str, Tensor], target: Tensor, *, permutations: int = PERMUTATIONS
) -> Association:
    """Return how well the best of `models` tells `target` (N, C), and how likely by chance."""
    scaled = _standard(target).float()
    gains = {name: float(_gains(weights, scaled, 1)[0]) for name, weights in models.items()}
    best = max(gains, key=lambda name: gains[name])
    generator = torch.Generator().manual_seed(2)
    as_good = done = 0
    while done < permutations:
        several = min(_CHUNK, permutations - done)
        orders = [torch.randperm(len(scaled), generator=generator) for _ in range(several)]
        shuffled = torch.cat([scaled[order] for order in orders], dim=1)
        chance = torch.stack([_gains(weights, shuffled, several) for weights in models.values()])
        as_good += int((chance.amax(0) >= gains[best]).sum())
        done += several
    predicted = models[best].double() @ target
    return Association(best, gains[best], (as_good + 1) / (done + 1), predicted)


def neighbour_agreement(features: Tensor, one_hot: Tensor) -> float | None:
    """Return how often nearest neighbours share their class, over what chance would give."""
    distances = torch.cdist(features, features).fill_diagonal_(torch.inf)
    nearest = distances.topk(min(NEIGHBOURS, len(features) - 1), largest=False).indices
    alike = (one_hot[nearest] * one_hot[:, None]).sum(-1).mean()
    share = one_hot.mean(0)
    expected = share.square().sum()
    return float(alike / expected) if float(expected) > 0 else None


def _of_fold(
    features: Tensor, kernel: Tensor, distances: Tensor, train: Tensor, test: Tensor
) -> _Weights:
    """Return by model the weights (test, train)."""
    count = len(train)
    mean = _mean_of_fold(features, train, test)
    nearest = distances[test][:, train].topk(min(NEIGHBOURS, count), largest=False).indices
    votes = torch.zeros_like(mean).scatter_(1, nearest, 1.0 / nearest.shape[1])
    found = [("neighbours", votes), *_linear_of_fold(features, train, test)]
    inner, across = kernel[train][:, train], kernel[test][:, train]
    for i, ridge in enumerate(_KERNEL_RIDGES):
        factor = torch.linalg.cholesky(inner + ridge * torch.eye(count, dtype=inner.dtype))
        weights = torch.cholesky_solve(across.T, factor).T
        found.append((f"kernel-{i}", mean + weights - weights.mean(1, keepdim=True)))
    return found


def _linear_of_fold(features: Tensor, train: Tensor, test: Tensor) -> _Weights:
    count, mean = len(train), _mean_of_fold(features, train, test)
    centre = features[train].mean(0)
    known, asked = features[train] - centre, features[test] - centre
    found = []
    for i, ridge in enumerate(_RIDGES):
        within = known.T @ known + ridge * count * torch.eye(known.shape[1], dtype=known.dtype)
        found.append((f"linear-{i}", mean + asked @ torch.linalg.solve(within, known.T)))
    return found


def _mean_of_fold(features: Tensor, train: Tensor, test: Tensor) -> Tensor:
    return torch.full((len(test), len(train)), 1.0 / len(train), dtype=features.dtype)


def _gains(weights: Tensor, targets: Tensor, several: int) -> Tensor:
    """Return the explained share for each of `several` targets laid side by side."""
    errors = (targets - weights @ targets).square().sum(0)
    return 1.0 - errors.reshape(several, -1).sum(1) / targets.square().sum(0).reshape(
        several, -1
    ).sum(1)


def _standard(target: Tensor) -> Tensor:
    """Return the columns centred; measured ones each at deviation 1 so that none takes over."""
    centred = target - target.mean(0)
    spread = centred.square().mean(0).sqrt()
    zero_one = bool(((target == 0) | (target == 1)).all())
    return centred if zero_one else centred / spread.clamp(min=1e-12)


def transfer(known: Tensor, target: Tensor, asked: Tensor, answers: Tensor) -> tuple[float, float]:
    """Return what models of rows `known` (N, P) explain of rows `asked` (M, P).

    First on one common scale, then with the asked rows standardised by their own moments. The
    answers' own mean counts as explaining nothing.
    """
    common, own = Scaling.of(known), Scaling.of(asked)
    train = torch.arange(len(known))
    test = torch.arange(len(known), len(known) + len(asked))
    found = []
    for scaling in (common, own):
        features = torch.cat([common(known), scaling(asked)])
        distances = torch.cdist(features, features).square()
        kernel = (
            -distances / distances[: len(known), : len(known)].median().clamp(min=1e-12)
        ).exp()
        errors = [
            float((answers - weights @ target).square().sum())
            for _, weights in _of_fold(features, kernel, distances, train, test)
        ]
        found.append(1.0 - min(errors) / float((answers - answers.mean(0)).square().sum()))
    return found[0], found[1]
