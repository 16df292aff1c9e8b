from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from probes import data, labels, learning_rate, loss_at_start, own_rate
from probes.running.examination import Examination
from tests.probes.small_cases import (
    adam,
    case,
    diabetes,
    digits,
    digits_case,
    loader,
    mlp,
    seen,
    sgd,
    standard,
    tumours,
)


def facts(given):
    return seen(given, data.PROBE, labels.PROBE, loss_at_start.PROBE, own_rate.PROBE)


def test_a_healthy_run_falls_below_chance():
    found = facts(digits_case(adam(1e-2)))
    assert found["run.relative_drop"] > 0.5
    assert found["run.end_over_chance"] < 0.5
    assert found["run.diverged"] is False
    assert found["run.output_varies_with_input"] > 0.1
    assert found["run.dead_share_max"] < 0.3


def test_a_rate_that_is_too_high_diverges():
    found = facts(digits_case(sgd(300.0)))
    assert found["run.diverged"] is True
    assert found["run.loss_end"] > 10 * found["run.loss_start"]


def test_a_loss_that_overflows_tells_its_step():
    rows, target = diabetes()
    found = facts(case(mlp(10, 32, 1), loader(rows, target * 1e4), nn.MSELoss(), sgd(10.0)))
    assert found["run.diverged"] is True
    assert 0 < found["run.nonfinite_step"] < 20 or found["run.loss_end"] > 1e12
    assert found["run.relative_drop"] < -1


def test_missing_inputs_break_the_first_step():
    rows, digit = digits()
    found = facts(
        case(mlp(64, 10), loader(rows * math.nan, digit), nn.CrossEntropyLoss(), sgd(0.1))
    )
    assert found["run.nonfinite_step"] == 0
    assert found["run.diverged"] is True


def test_a_rate_that_is_too_low_goes_nowhere_against_the_best():
    given = digits_case(adam(1e-6))
    found = seen(given, labels.PROBE, loss_at_start.PROBE, learning_rate.PROBE, own_rate.PROBE)
    assert abs(found["run.relative_drop"]) < 0.01
    assert found["run.drop_over_best"] < 0.01


def test_a_usual_rate_needs_few_epochs_for_what_the_best_reaches():
    given = digits_case(adam(3e-3))
    found = seen(given, labels.PROBE, loss_at_start.PROBE, learning_rate.PROBE, own_rate.PROBE)
    assert found["run.drop_over_best"] > 0.05
    assert found["run.epochs_to_best_drop"] < 20


def test_units_that_die_in_the_run_are_counted():
    model = mlp(64, 32, 32, 10)
    found = facts(digits_case(sgd(20.0), model))
    assert found["run.dead_share_max"] > 0.5


def test_a_dead_model_ends_at_chance_and_answers_the_same_to_all():
    model = mlp(64, 32, 10)
    with torch.no_grad():
        model[0].bias.fill_(-100)
    found = facts(digits_case(adam(1e-2), model))
    assert found["run.end_over_chance"] == pytest.approx(1, abs=0.05)
    assert found["run.output_varies_with_input"] < 1e-4
    assert found["run.dead_share_max"] == 1


def test_standardised_inputs_learn_where_raw_ones_do_not():
    rows, labelled = tumours()
    raw = facts(case(mlp(30, 32, 1), loader(rows, labelled), nn.BCEWithLogitsLoss(), sgd(0.1)))
    assert raw["run.end_over_chance"] > 0.9
    assert raw["run.end_over_chance_standardised"] < 0.4
    assert raw["run.drop_standardised"] > 0.6


def test_standardised_targets_learn_where_raw_ones_do_not():
    rows, target = diabetes()
    found = facts(case(mlp(10, 32, 1), loader(rows, target), nn.MSELoss(), adam(3e-3)))
    assert found["run.end_over_chance"] > 2
    assert found["run.end_over_chance_standardised_target"] < 0.8
    assert found["run.drop_standardised_target"] > 0.2
    assert "run.drop_standardised" not in found


def test_both_are_needed_where_both_are_raw():
    rows, target = diabetes()
    raw = rows * torch.linspace(5, 80, 10) + 100
    found = facts(case(mlp(10, 32, 1), loader(raw, target), nn.MSELoss(), sgd(0.01)))
    assert found["run.diverged"] is True
    assert found["run.end_over_chance_standardised_both"] < 0.8


def test_well_scaled_data_are_not_tried_otherwise():
    rows, target = diabetes()
    found = facts(case(mlp(10, 16, 1), loader(rows, standard(target)), nn.MSELoss(), sgd(0.01)))
    assert not [name for name in found if "standardised" in name]


def test_pixels_that_mostly_stay_dark_are_not_taken_for_uneven_scales():
    assert not [name for name in facts(digits_case(adam(1e-3))) if "standardised" in name]


@pytest.mark.parametrize(("values", "share"), [([3, 2, 1, 0], 0.0), ([1, 0, 1, 0, 1], 1.0)])
def test_reversed_share(values, share):
    assert own_rate.reversed_share(values) == share


def test_a_far_lower_rate_is_run_as_long_and_gets_further():
    high = seen(digits_case(adam(0.3), mlp(64, 64, 64, 10)), learning_rate.PROBE, own_rate.PROBE)
    assert high["learning_rate.over_suggested"] > 3
    assert high["run.drop_over_suggested"] < 0.75


def test_a_usual_rate_is_not_compared_with_a_lower_one():
    usual = seen(digits_case(adam(1e-3)), learning_rate.PROBE, own_rate.PROBE)
    assert usual["learning_rate.over_suggested"] < 3
    assert "run.drop_over_suggested" not in usual


def test_the_course_of_the_run_is_told_step_by_step():
    given = digits_case(adam(1e-2))
    exam = Examination(given)
    told = {o.name: o for o in own_rate.PROBE.measure(exam)}
    losses = told["run.losses"]
    assert losses.where == tuple(str(n) for n in range(1, own_rate.OWN_STEPS + 1))
    assert sum(losses.value[:5]) / 5 > 2 * sum(losses.value[-5:]) / 5  # it learns
