from __future__ import annotations

import statistics

import pytest
import torch
from torch import nn

from probes import batch_size
from tests.probes.small_cases import case, digits, digits_case, loader, mlp, seen, sgd


def noise_scale(seed, noise, signal):
    torch.manual_seed(seed)
    samples = signal + noise * torch.randn(4096, 1)  # the gradient of sample x at weight 0 is -x
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    loss = lambda out, target: ((out - target) ** 2).mean() / 2  # noqa: E731
    given = case(model, loader(torch.ones_like(samples), samples, size=128), loss, sgd(0.1))
    return seen(given, batch_size.PROBE)["batch.noise_scale"]


def test_the_noise_scale_of_a_known_problem_is_found():
    found = statistics.median(noise_scale(seed, noise=4.0, signal=2.0) for seed in range(9))
    assert found == pytest.approx(4.0**2 / 2.0**2, rel=0.3)


def test_values_under_a_batch_norm_are_counted():
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
    rows, labels = digits()
    given = case(model, loader(rows, labels, size=2), nn.CrossEntropyLoss(), sgd(0.01))
    found = seen(given, batch_size.PROBE)
    assert found["batch.values_per_norm"] == 2
    assert found["batch.size"] == 2


def test_one_batch_an_epoch_learns_less_per_sample_than_many():
    rows, labels = digits()
    given = case(
        mlp(64, 32, 10), loader(rows, labels, size=1797), nn.CrossEntropyLoss(), sgd(0.1), epochs=5
    )
    found = seen(given, batch_size.PROBE)
    assert found["batch.planned_updates"] == 5
    assert found["batch.drop_smaller"] > 3 * found["batch.drop"] > 0


def test_usual_batches_are_not_compared():
    found = seen(digits_case(sgd(0.1)), batch_size.PROBE)
    assert "batch.drop" not in found
    assert found["batch.steps_per_epoch"] == 57
