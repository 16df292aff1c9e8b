from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.metric import PROBE
from tests.probes.observing import classes, facts

X, Y = classes(64)
VALUES = X[:, :1] * 2 + 1


def _accuracy(logits: Tensor, y: Tensor) -> Tensor:
    return (logits.argmax(1) == y).float().mean()


def _broadcast(logits: Tensor, y: Tensor) -> Tensor:
    return (logits.argmax(1, keepdim=True) == y).float().mean()


def _facts(metric: Any):
    return facts(PROBE, nn.Linear(12, 5), [(X, Y)], F.cross_entropy, metric=metric)


@pytest.mark.parametrize("metric", [_accuracy, lambda p, y: 1 - _accuracy(p, y)])
def test_a_metric_that_notices_errors_may_rise_or_fall(metric: Any):
    assert _facts(metric)["metric.notices_errors"].value is True


def test_a_metric_that_broadcasts_notices_nothing():
    seen = _facts(_broadcast)
    assert seen["metric.notices_errors"].value is False
    assert seen["metric.perfect"].value == pytest.approx(seen["metric.shuffled"].value)


@pytest.mark.parametrize("seed", range(8))
def test_a_metric_over_the_wrong_axis_notices_nothing_even_where_chance_favours_it(seed: int):
    def metric(p: Tensor, y: Tensor) -> Tensor:
        return (p.argmax(0)[:, None] == y).float().mean()

    torch.manual_seed(seed)
    x, y = torch.randn(16, 4), torch.randint(3, (16,))
    seen = facts(PROBE, nn.Linear(4, 3), [(x, y)], F.cross_entropy, metric=metric)
    assert seen["metric.notices_errors"].value is False


def test_a_regression_error_against_a_row_notices_nothing():
    def error(p: Tensor, y: Tensor) -> Tensor:
        return (p[:, 0] - y).abs().mean()

    seen = facts(PROBE, nn.Linear(12, 1), [(X, VALUES)], F.mse_loss, metric=error)
    assert seen["metric.notices_errors"].value is False


def test_a_metric_that_takes_something_else_is_left_alone():
    assert _facts(lambda model: 1.0) == {}
    assert _facts(None) == {}
