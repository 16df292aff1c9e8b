"""Columns whose numbers are names or angles: numbers that lie about what is near to what.

A code 1, 2, 3 for a category says that 2 lies between its neighbours; an angle says that 359
degrees is far from 1. Whether that hurts is measured: one column at a time, what do straight lines
through the numbers explain, and what once the column is taken for what it may be?
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from probes.quantities.cheap_models import FOLDS, folds_of

_CODES: Final = (4, 60)  # distinct values of a column of codes
_PER_VALUE: Final = 8  # samples that a value needs
_MOST_CODED: Final = 12  # columns: where nearly all are whole numbers they are pixels or counts
_WORTH: Final = 0.05  # of the target: less gained is nothing to speak of
_RIDGE: Final = 1e-3
_LEAST: Final = 100  # samples


@dataclass(frozen=True, slots=True)
class Codes:
    """Columns better read as codes or angles, and the share of the target that adds.

    `gains`: of each coded column; `angle_gain`: the largest.
    """

    coded: tuple[int, ...] = ()
    gains: tuple[float, ...] = ()
    angles: tuple[int, ...] = ()
    angle_gain: float = 0.0


def codes(rows: Tensor, target: Tensor) -> Codes:
    """Return what is found in the columns of `rows` (N, P), for `target` (N, C)."""
    if rows.shape[1] > 64 or len(rows) < _LEAST:
        return Codes()
    kinds_of = [torch.unique(column) for column in rows.T]
    whole = [column for column, kinds in enumerate(kinds_of) if _may_be_codes(kinds, len(rows))]
    coded: dict[int, float] = {}
    angles: dict[int, float] = {}
    for column, kinds in enumerate(kinds_of):
        values = rows[:, column]
        if column in whole and len(whole) <= _MOST_CODED:
            gain = _jump_gain(values, kinds, target)
            if gain >= _WORTH:
                coded[column] = gain
        turn = _full_turn(values, kinds)
        if turn is not None:
            gain = _angle_gain(values * (2 * math.pi / turn), target)
            if gain >= _WORTH:
                angles[column] = gain
    return Codes(
        tuple(coded),
        tuple(coded.values()),
        tuple(angles),
        max(angles.values(), default=0.0),
    )


def _may_be_codes(kinds: Tensor, samples: int) -> bool:
    return _whole(kinds) and _CODES[0] <= len(kinds) <= min(_CODES[1], samples // _PER_VALUE)


def one_hot(rows: Tensor, columns: tuple[int, ...]) -> Tensor:
    """Return these columns of `rows` (N, P), each value of each as a column of 0 and 1."""
    parts = [rows[:, column, None] == torch.unique(rows[:, column]) for column in columns]
    return torch.cat(parts, dim=1).double()


def _whole(kinds: Tensor) -> bool:
    """Return whether the values are evenly numbered: whole, also after standardising."""
    if len(kinds) < 2:
        return False
    steps = kinds.diff()
    multiple = steps / steps.min()
    return bool(((multiple - multiple.round()).abs() < 1e-3).all()) and float(multiple.max()) <= 3


def _full_turn(values: Tensor, kinds: Tensor) -> float | None:
    """Return the full turn (360 or 2 pi) that the values spread over, None where they do not."""
    low, high = float(values.min()), float(values.max())
    if len(kinds) < 24:
        return None
    for turn in (360.0, 2 * math.pi):
        starts = low >= -1e-4 * turn or low >= -turn / 2 - 1e-4 * turn
        inside = starts and high <= (turn if low >= -1e-4 * turn else turn / 2) * (1 + 1e-4)
        if inside and 0.97 * turn <= high - low <= 1.0001 * turn:
            return turn
    return None


def _jump_gain(values: Tensor, kinds: Tensor, target: Tensor) -> float:
    """Return what the column as categories explains beyond a smooth (cubic) curve through it."""
    place = torch.searchsorted(kinds, values.contiguous()) / (len(kinds) - 1) * 2.0 - 1.0
    smooth = torch.stack([place, place.square(), place**3], dim=1).double()
    one_hot = (values[:, None] == kinds).double()
    return _explained(torch.cat([smooth, one_hot], dim=1), target) - _explained(smooth, target)


def _angle_gain(angle: Tensor, target: Tensor) -> float:
    """Return what sine and cosine explain beyond a straight line."""
    line = (angle - angle.mean())[:, None] / angle.std().clamp(min=1e-12)
    waves = torch.stack([angle.sin(), angle.cos()], dim=1)
    return _explained(waves, target) - _explained(line, target)


def _explained(features: Tensor, target: Tensor) -> float:
    """Return the cross-validated share of the target that a linear model explains."""
    centred = target - target.mean(0)
    answers = torch.zeros_like(centred)
    folds = folds_of(len(features))
    for fold in range(FOLDS):
        test, train = folds == fold, folds != fold
        mean, known = features[train].mean(0), centred[train]
        x = features[train] - mean
        ridge = _RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
        weights = torch.linalg.solve(x.T @ x + ridge, x.T @ (known - known.mean(0)))
        answers[test] = (features[test] - mean) @ weights + known.mean(0)
    return 1.0 - float((centred - answers).square().sum() / centred.square().sum())
