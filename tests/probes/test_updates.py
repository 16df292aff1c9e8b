from __future__ import annotations

import pytest
import torch

from probes import updates
from probes.running.examination import Examination
from probes.training.short_training import Unsuitable
from tests.probes.fingerprint import bits
from tests.probes.small_cases import adam, digits_case, mlp, seen, sgd


def test_the_ratio_is_the_rate_times_the_gradient_over_the_weight():
    given = digits_case(sgd(1e-4), mlp(64, 10))
    exam = Examination(given)
    weight, gradient = given.model[0].weight, exam.recording.gradients["0.weight"]
    expected = 1e-4 * float(gradient.norm() / weight.detach().norm())
    found = {o.name: o.value for o in updates.PROBE.measure(exam)}
    assert found["update.ratio"][0] == pytest.approx(expected, rel=0.2)  # later batches differ
    assert not any(found["update.unchanged"])


def test_a_rate_ten_times_as_high_moves_weights_ten_times_as_far():
    low = seen(digits_case(sgd(1e-4)), updates.PROBE)
    high = seen(digits_case(sgd(1e-3)), updates.PROBE)
    assert high["update.ratio_median"] / low["update.ratio_median"] == pytest.approx(10, rel=0.05)


def test_a_rate_of_zero_changes_nothing():
    assert seen(digits_case(sgd(0.0)), updates.PROBE)["update.unchanged_share"] == 1


def test_an_update_below_the_precision_of_the_weights_is_no_change():
    found = seen(digits_case(sgd(1e-12)), updates.PROBE)
    assert found["update.unchanged_share"] > 0.4


def test_weights_without_gradient_are_not_called_unchanged():
    model = mlp(64, 32, 10)
    with torch.no_grad():
        model[0].bias.fill_(-100)  # no unit ever fires: nothing reaches the first layer
    found = seen(digits_case(adam(1e-3), model), updates.PROBE)
    assert found["update.unchanged"] == (False, False, False, False)
    assert found["update.unchanged_share"] == 0


def test_lbfgs_is_declined_with_a_reason():
    given = digits_case(torch.optim.LBFGS)
    with pytest.raises(Unsuitable, match="closure"):
        list(updates.PROBE.measure(Examination(given)))


def test_the_users_model_is_as_before():
    given = digits_case(adam(1e-2))
    before = [bits(parameter) for parameter in given.model.parameters()]
    seen(given, updates.PROBE)
    assert [bits(parameter) for parameter in given.model.parameters()] == before
    assert not given.optimizer.state
