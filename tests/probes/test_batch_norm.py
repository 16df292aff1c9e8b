from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from probes.batch_norm import PROBE
from tests.probes.observing import by_place, facts
from tests.probes.small_cases import loader

X, Y = torch.randn(65, 12), torch.arange(65) % 5


def _facts(size: int = 16, samples: int = 64, epochs: int | None = None, **options: Any):
    model = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8, **options), nn.Linear(8, 5))
    batches = loader(X[:samples], Y[:samples], size=size)
    return facts(PROBE, model, batches, F.cross_entropy, epochs=epochs)


def test_statistics_over_samples_and_positions_are_counted():
    assert by_place(_facts(size=4)["batchnorm.values"]) == {"1": 4}
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 5))
    images = loader(torch.randn(64, 1, 8, 8), Y[:64], size=4)
    assert facts(PROBE, model, images, F.cross_entropy)["batchnorm.values_min"].value == 4 * 36


@pytest.mark.parametrize(("samples", "alone"), [(64, False), (65, True)])
def test_a_single_sample_left_over_is_seen(samples: int, alone: bool):
    assert _facts(samples=samples)["batchnorm.last_batch_of_one"].value is alone


def test_what_is_left_of_the_first_statistics_follows_from_the_planned_steps():
    seen = _facts(epochs=5, momentum=0.01)  # 4 batches an epoch
    assert seen["batchnorm.initial_share"].value == pytest.approx(0.99**20)
    assert _facts(momentum=0.0)["batchnorm.initial_share"].value == 1
    assert "batchnorm.initial_share" not in _facts()


def test_the_running_mean_of_a_large_momentum_is_that_of_the_last_batch():
    assert _facts(momentum=1.0)["batchnorm.values_averaged"].value == 16
    assert _facts(momentum=0.1)["batchnorm.values_averaged"].value == pytest.approx(16 * 19)


def test_layers_without_running_statistics_are_named():
    seen = _facts(track_running_stats=False)
    assert seen["batchnorm.untracked"].where == ("1",)
    assert "batchnorm.momentum" not in seen
