"""What curves show: the same whatever the scale, and despite noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.logs.curves import observe_curves
from probes.logs.series import Axis, Role, Series


def series(values: Sequence[float], role: Role = "train_loss", axis: Axis = "step") -> Series:
    steps = tuple(float(i + 1) for i in range(len(values)))
    return Series(
        role, role, steps, tuple(map(float, values)), "x.csv", count=len(values), axis=axis
    )


def seen(*curves: Series, classes: int | None = None) -> dict[str, Any]:
    found = observe_curves(curves, classes=classes)
    return {one.name.removeprefix("curve."): one.value for one in found}


def decay(count: int = 200, noise: float = 0.05, floor: float = 0.1, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    clean = (2.3 - floor) * np.exp(-5 * np.arange(count) / count) + floor
    return clean * np.exp(noise * rng.standard_normal(count))


SCALE_FREE = ("train_drop", "noise", "diverged", "train_trend_at_end", "late_over_early",
              "steadiness", "jump", "oscillation", "plateau_share", "spikes")  # fmt: skip


@given(st.sampled_from([1e-6, 0.01, 3.0, 1e5]), st.integers(0, 5))
def test_the_shape_of_a_curve_does_not_depend_on_its_scale(scale: float, seed: int) -> None:
    one, other = seen(series(decay(seed=seed))), seen(series(scale * decay(seed=seed)))
    for name in SCALE_FREE:
        assert other[name] == pytest.approx(one[name], rel=1e-6, abs=1e-9), name


def test_a_fall_that_wavers_is_a_fall() -> None:
    facts = seen(series(decay(noise=0.4)))
    assert facts["train_drop"] > 0.9
    assert not facts["diverged"]
    assert facts["steadiness"] > 0.85


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_has_no_trend(seed: int) -> None:
    values = 2.3 + 0.2 * np.random.default_rng(seed).standard_normal(150)
    facts = seen(series(values))
    assert facts["train_trend_at_end"] == 0
    assert facts["plateau_share"] >= 0.5
    assert not facts["diverged"]
    assert facts["noise"] == pytest.approx(0.2 / 2.3, rel=0.4)


def test_a_loss_that_loses_its_progress_diverges() -> None:
    assert seen(series([*decay(), *np.linspace(0.2, 4.0, 60)]))["diverged"]


def test_a_passing_rise_is_no_divergence() -> None:
    assert not seen(series([*decay(), 1.5, 1.6, *decay(60, floor=0.1)[30:]]))["diverged"]


def test_a_loss_that_explodes_and_comes_back_to_guessing_has_diverged() -> None:
    assert seen(series([2.3, 90.0, 4e6, 1e3, *[2.35] * 40]))["diverged"]


def test_spikes_are_counted_once_each() -> None:
    values = decay(400, noise=0.03)
    for at in (150, 250, 251, 350):
        values[at] += 3.0
    assert seen(series(values))["spikes"] == 3


def test_the_first_steep_fall_is_no_spike() -> None:
    assert seen(series([50.0, 20.0, *decay(300)]))["spikes"] == 0


def test_a_loss_of_zero_and_negative_losses_are_measured_too() -> None:
    for values in ([0.0] * 30, np.linspace(1, -4, 60), [-1.0, *[0.0] * 20]):
        for value in seen(series(values)).values():
            assert not isinstance(value, float) or math.isfinite(value)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_any_numbers_are_borne(values: list[float]) -> None:
    seen(series(values), series(values, "val_loss"), series(values, "grad_norm"))


# ---------------------------------------------------------------- training and validation
def test_validation_that_turns_while_training_falls_rises() -> None:
    val = np.concatenate([np.linspace(2, 0.6, 15), np.linspace(0.6, 0.9, 25)])
    facts = seen(series(decay(400)), series(val, "val_loss", "epoch"))
    assert facts["val_rises"]
    assert facts["val_minimum_at"] == pytest.approx(15 / 40, abs=0.05)
    assert facts["val_rise"] == pytest.approx(0.5, rel=0.1)
    assert not facts["val_follows"]


def test_one_bad_validation_at_the_end_is_no_rise() -> None:
    val = [*np.linspace(2, 0.6, 30), 0.7]
    facts = seen(series(decay(400)), series(val, "val_loss", "epoch"))
    assert not facts["val_rises"]
    assert facts["val_follows"]


def test_training_that_falls_before_the_first_validation_does_not_count() -> None:
    train = series([*decay(100), *[0.1] * 300])
    val = Series(
        "v", "val_loss", (200.0, 250.0, 300.0, 350.0, 400.0), (0.2,) * 5, "x.csv", axis="step"
    )
    assert seen(train, val)["train_drop_since_validation"] == pytest.approx(0, abs=0.01)


# -------------------------------------------------------------------------- known levels
def test_guessing_among_known_classes_is_recognised() -> None:
    flat = series(math.log(100) + 0.01 * np.random.default_rng(0).standard_normal(60))
    assert seen(flat, classes=100)["chance_classes"] == 100
    assert not seen(flat, classes=10)["ends_at_chance"]
    assert not seen(flat)["ends_at_chance"], "any loss is near the logarithm of some integer"


def test_an_accuracy_far_above_guessing_refutes_it() -> None:
    flat = series([math.log(10)] * 60)
    good, poor = series([0.8] * 20, "val_accuracy"), series([0.1] * 20, "val_accuracy")
    assert not seen(flat, good)["ends_at_chance"]
    assert seen(flat, poor)["ends_at_chance"]


def test_accuracy_in_percent_is_a_share_too() -> None:
    facts = seen(series(decay()), series(np.linspace(10, 97, 30), "train_accuracy"))
    assert facts["accuracy_end"] == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("accuracy", [0.75, 0.9, 0.97, 0.999])
def test_a_calibrated_network_is_not_taken_for_a_softmax_too_many(accuracy: float) -> None:
    for classes in (2, 3, 5, 10, 20):
        wrong = 1 - accuracy
        loss = -accuracy * math.log(accuracy) - wrong * math.log(wrong / (classes - 1))
        curves = series(np.linspace(3, loss, 30)), series([accuracy] * 20, "train_accuracy")
        assert not seen(*curves)["ends_at_softmax_floor"]


# ------------------------------------------------------------ learning rate and the rest
def test_a_dead_learning_rate_is_measured() -> None:
    facts = seen(series(decay(100)), series(0.1 * 0.5 ** np.arange(100), "learning_rate"))
    assert facts["lr_zero_share"] == pytest.approx(0.86, abs=0.01)


def test_epochs_are_counted_from_zero_or_one() -> None:
    for first in (0.0, 1.0):
        one = Series("l", "train_loss", tuple(range(1, 11)), (1.0,) * 10, "x", count=10,
                     axis="step", first_epoch=first, last_epoch=first + 9)  # fmt: skip
        assert seen(one)["epochs"] == 10
