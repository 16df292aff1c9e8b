from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from probes import labels, loss_at_start, overfit
from probes.running.examination import Examination
from probes.training.few_samples import few_samples
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
    return seen(given, labels.PROBE, loss_at_start.PROBE, overfit.PROBE)


def test_a_healthy_model_learns_sixteen_samples_by_heart():
    found = facts(digits_case(adam(1e-2)))
    assert found["overfit.samples"] == 16
    assert found["overfit.fits"] is True
    assert found["overfit.own_fits"] is True
    assert found["overfit.accuracy"] >= 0.95


def test_a_rate_that_is_too_low_fails_alone_but_fits_under_the_best_conditions():
    found = facts(digits_case(sgd(1e-6)))
    assert found["overfit.own_drop"] < 0.05
    assert found["overfit.best_drop"] > 0.5
    assert found["overfit.fits"] is True


def test_a_model_that_ignores_its_input_fits_nothing():
    class Blind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(64, 10)

        def forward(self, x):
            return self.net(x * 0)

    found = facts(digits_case(adam(1e-2), Blind()))
    assert found["overfit.fits"] is False
    assert found["overfit.best_drop"] < 0.3


def test_a_single_unit_is_too_little_for_ten_classes():
    found = facts(digits_case(adam(1e-2), mlp(64, 1, 10)))
    assert found["overfit.fits"] is False


def test_data_of_an_odd_scale_do_not_look_like_a_lack_of_capacity():
    rows, target = diabetes()
    found = facts(case(mlp(10, 64, 1), loader(rows * 1000, target * 1000), nn.MSELoss(), sgd(0.1)))
    assert found["overfit.own_fits"] is False
    assert found["overfit.fits"] is True


def test_a_broadcast_loss_cannot_be_fitted_and_its_healthy_twin_can():
    rows, target = diabetes()
    target = standard(target)
    broken = facts(case(mlp(10, 64, 1), loader(rows, target[:, 0]), nn.MSELoss(), adam(1e-2)))
    healthy = facts(case(mlp(10, 64, 1), loader(rows, target), nn.MSELoss(), adam(1e-2)))
    assert broken["overfit.fits"] is False
    assert healthy["overfit.fits"] is True


def test_dropout_is_off_in_the_best_attempt_only():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.95), nn.Linear(64, 10))
    found = facts(digits_case(sgd(1e-3), model))
    assert found["overfit.own_fits"] is False
    assert found["overfit.fits"] is True


def test_soft_targets_are_fitted_down_to_their_entropy():
    rows, _ = digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
    rows = rows[:64].clamp(0.05, 0.95)
    given = case(model, loader(rows, rows.clone()), nn.BCEWithLogitsLoss(), adam(1e-2))
    found = facts(given)
    assert found["overfit.best_loss"] > 0.2  # what the entropy of the targets leaves
    assert found["overfit.fits"] is True


def test_binary_answers_are_read_from_logits_and_from_probabilities():
    rows, labelled = tumours()
    rows = standard(rows)
    fed = nn.Sequential(*mlp(30, 16, 1), nn.Sigmoid())
    plain = facts(case(fed, loader(rows, labelled), nn.BCELoss(), adam(1e-2)))
    logits = facts(case(mlp(30, 16, 1), loader(rows, labelled), nn.BCEWithLogitsLoss(), adam(1e-2)))
    assert plain["overfit.accuracy"] >= 0.95
    assert logits["overfit.accuracy"] >= 0.95


def test_tokens_are_learnt_by_heart():
    torch.manual_seed(0)
    tokens = torch.randint(0, 20, (64, 6))

    class Next(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(20, 32), nn.Linear(64, 20)
            self.rnn = nn.GRU(32, 64, batch_first=True)

        def forward(self, x):
            return self.head(self.rnn(self.embed(x))[0])

    loss = lambda o, t: F.cross_entropy(o.reshape(-1, 20), t.reshape(-1))  # noqa: E731
    found = facts(case(Next(), loader(tokens[:, :-1], tokens[:, 1:]), loss, adam(1e-2)))
    assert found["overfit.best_drop"] > 0.6


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_few_samples_are_of_every_class(shuffle):
    rows, digit = digits()
    order = torch.argsort(digit[:320])
    given = case(
        mlp(64, 10),
        loader(rows[:320][order], digit[:320][order], shuffle=shuffle),
        nn.CrossEntropyLoss(),
        adam(1e-3),
    )
    batch = few_samples(Examination(given))
    assert batch is not None
    assert batch.size == 16
    assert set(batch.targets.tolist()) == set(range(10))
