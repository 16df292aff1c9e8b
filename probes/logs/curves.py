"""What the curves of a run show, free of scale and robust against noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from expert.observation import Observation
from probes.logs.curve import Curve, Facts, finite_part
from probes.logs.plateaus import chance_level, softmax_floor
from probes.logs.series import Role, Series
from probes.logs.training_curve import FEWEST, course, plateau_share, shape
from probes.logs.validation_curve import pair


def observe_curves(series: Iterable[Series], *, classes: int | None = None) -> list[Observation]:
    """Return everything that the main series of a run show.

    `classes` is the number of classes, where it is known: it tells the loss of guessing.
    """
    by_role: dict[Role, Series] = {one.role: one for one in series if one.role != "other"}
    curves: dict[Role, Curve] = {}
    for role, one in by_role.items():
        curve = finite_part(one)
        if curve is not None:
            curves[role] = curve
    facts = dict(_facts(by_role, curves, classes))
    origin = _origin(by_role)
    return [Observation(name, value, origin=origin) for name, value in facts.items()]


def _origin(by_role: Mapping[Role, Series]) -> str:
    sources = dict.fromkeys(one.source for one in by_role.values())
    return f"log:{', '.join(sources)}"


def _facts(
    by_role: Mapping[Role, Series], curves: Mapping[Role, Curve], classes: int | None
) -> Facts:
    train, val = curves.get("train_loss"), curves.get("val_loss")
    yield from _broken(by_role)
    yield from _length(by_role)
    if train is not None:
        yield from course(train)
        if len(train.values) >= FEWEST:
            yield from shape(train)
            yield from _levels(curves, classes)
    if train is not None and val is not None:
        yield from pair(train, val, curves.get("val_accuracy"))
    if "learning_rate" in curves:
        yield from _rate(curves["learning_rate"])
    if "grad_norm" in curves:
        yield from _gradient(curves["grad_norm"])


def _broken(by_role: Mapping[Role, Series]) -> Facts:
    """NaN and infinity; Transformers logs a NaN loss as 0, but its gradient norm as NaN."""
    train, gradient = by_role.get("train_loss"), by_role.get("grad_norm")
    if train is not None:
        yield "curve.axis", train.axis
        yield "curve.nonfinite", train.nonfinite_from is not None
        if train.nonfinite_from is not None:
            yield "curve.nonfinite_step", train.nonfinite_from
    if gradient is not None and gradient.nonfinite_from is not None:
        yield "curve.grad_norm_nonfinite_step", gradient.nonfinite_from


def _length(by_role: Mapping[Role, Series]) -> Facts:
    longest = max((one for one in by_role.values()), key=lambda one: one.count, default=None)
    if longest is None:
        return
    yield "curve.points", longest.count
    steps = [one for one in by_role.values() if one.axis == "step" and one.role == "train_loss"]
    if steps and steps[0].steps:
        yield "curve.steps", max(1, round(steps[0].steps[-1]))
    ends = [one for one in by_role.values() if one.last_epoch is not None]
    if ends:
        last = max(one.last_epoch or 0.0 for one in ends)
        first = min(one.first_epoch or 0.0 for one in ends)
        yield "curve.epochs", max(1, round(last - min(first, 1.0) + (first in (0.0, 1.0))))


def _levels(curves: Mapping[Role, Curve], classes: int | None) -> Facts:
    """Levels at which the loss stops for a known reason, the accuracy confirming it."""
    train = curves["train_loss"]
    accuracy = _share(curves.get("train_accuracy") or curves.get("val_accuracy"))
    if plateau_share(train) >= 0.5 and train.series.nonfinite_from is None:
        guessed = chance_level(train.end, accuracy, classes)
        yield "curve.ends_at_chance", guessed is not None
        if guessed is not None:
            yield "curve.chance_classes", guessed
    floors: list[tuple[int | None, float, float]] = []
    for phase in ("train", "val"):
        loss, right = curves.get(_LOSSES[phase]), _share(curves.get(_ACCURACIES[phase]))
        if loss is not None and right is not None:
            floors.append((softmax_floor(loss.end, right, classes), loss.end, right))
    if not floors:
        return
    found = [floor for floor in floors if floor[0] is not None]
    yield "curve.ends_at_softmax_floor", bool(found)
    k, loss_there, right_there = (found or floors)[0]
    yield "curve.accuracy_end", right_there
    yield "curve.loss_with_accuracy", loss_there
    if k is not None:
        yield "curve.softmax_classes", k


_LOSSES: Final[dict[str, Role]] = {"train": "train_loss", "val": "val_loss"}
_ACCURACIES: Final[dict[str, Role]] = {"train": "train_accuracy", "val": "val_accuracy"}


def _share(accuracy: Curve | None) -> float | None:
    """Return the accuracy at the end as a share; None when it was not logged."""
    if accuracy is None or not 0 <= accuracy.values.min() <= accuracy.values.max() <= 100:
        return None
    return accuracy.end / (100 if accuracy.values.max() > 1 else 1)


# ------------------------------------------------------------- learning rate, gradient norm
def _rate(rate: Curve) -> Facts:
    peak = float(rate.values.max())
    yield "curve.lr_peak", peak
    if peak > 0 and len(rate.values) >= FEWEST:
        yield "curve.lr_final_over_peak", float(rate.values[-1]) / peak
        yield "curve.lr_zero_share", float((rate.values <= 1e-4 * peak).mean())
        yield "curve.lr_constant", bool(rate.values.min() > 0.999 * peak)


def _gradient(norm: Curve) -> Facts:
    middle = float(np.median(norm.values))
    yield "curve.grad_norm_median", middle
    if middle > 0 and len(norm.values) >= FEWEST:
        highs = [h for h in (norm.series.highs or norm.series.values) if math.isfinite(h)]
        yield "curve.grad_norm_max_over_median", max(highs) / middle
        yield "curve.grad_norm_growth", norm.end / max(norm.start, 1e-300)
