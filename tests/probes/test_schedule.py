from __future__ import annotations

import math

import pytest
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    ReduceLROnPlateau,
)

from probes import schedule
from probes.case.case import Case
from tests.probes.small_cases import digits_case, seen, sgd


def facts(make, epochs=20):
    given = digits_case(sgd(0.1))
    scheduler = make(given.optimizer)
    case = Case(
        given.model,
        given.train_loader,
        given.loss_fn,
        given.optimizer,
        epochs=epochs,
        scheduler=scheduler,
    )
    found = seen(case, schedule.PROBE)
    assert given.optimizer.param_groups[0]["lr"] == pytest.approx(scheduler.get_last_lr()[0])
    return found


def test_a_tenth_per_epoch_is_dead_after_three_of_twenty():
    found = facts(lambda optimizer: ExponentialLR(optimizer, 0.1))
    assert found["schedule.reading"] == "epoch"
    assert found["schedule.dead_share"] == pytest.approx(17 / 20, abs=0.051)
    assert found["schedule.end_over_peak"] == pytest.approx(1e-19, rel=1e-3)


def test_a_cosine_dies_at_the_very_end():
    found = facts(lambda optimizer: CosineAnnealingLR(optimizer, 20))
    assert found["schedule.dead_share"] <= 0.1
    assert found["schedule.peak_over_base"] == pytest.approx(1)


def test_a_warm_up_that_outlasts_the_training_never_reaches_the_rate():
    found = facts(lambda o: LambdaLR(o, lambda step: min(1.0, (step + 1) / 1e5)))
    steps = 20 * math.ceil(1797 / 32)
    assert found["schedule.peak_over_base"] == pytest.approx(steps / 1e5, rel=0.01)


def test_a_warm_up_per_batch_that_ends_in_time_is_read_kindly():
    found = facts(lambda o: LambdaLR(o, lambda step: min(1.0, (step + 1) / 100)))
    assert found["schedule.peak_over_base"] == pytest.approx(1)


def test_a_scheduler_that_wants_a_metric_is_named_only():
    given = digits_case(sgd(0.1))
    case = Case(
        given.model,
        given.train_loader,
        given.loss_fn,
        given.optimizer,
        scheduler=ReduceLROnPlateau(given.optimizer),
    )
    assert seen(case, schedule.PROBE)["schedule.kind"] == "ReduceLROnPlateau"
