from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from probes import loss_at_start
from tests.probes.small_cases import (
    case,
    diabetes,
    digits,
    digits_case,
    loader,
    mlp,
    seen,
    sgd,
    tumours,
)


def facts(batches, model, loss_fn, **more):
    return seen(case(model, batches, loss_fn, sgd(0.1), **more), loss_at_start.PROBE)


def test_ten_balanced_classes_begin_near_chance():
    found = seen(digits_case(sgd(0.1)), loss_at_start.PROBE)
    assert found["loss.chance"] == pytest.approx(math.log(10), rel=0.01)
    assert found["loss.initial_over_chance"] == pytest.approx(1, abs=0.1)
    assert found["loss.initial_finite"] is True
    assert found["loss.has_graph"] is True


def test_chance_is_the_entropy_of_unequal_classes():
    rows = torch.randn(1000, 4)
    labels = (torch.arange(1000) % 10 == 0).long()
    entropy = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    found = facts(loader(rows, labels, size=100), mlp(4, 2), nn.CrossEntropyLoss())
    assert found["loss.chance"] == pytest.approx(entropy, rel=1e-3)


def test_class_weights_change_the_best_constant_answer():
    rows, labels = torch.randn(1000, 4), (torch.arange(1000) % 10 == 0).long()
    weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 9.0]))
    found = facts(loader(rows, labels, size=100), mlp(4, 2), weighted)
    assert found["loss.chance"] == pytest.approx(math.log(2), rel=1e-3)  # weights balance it


@pytest.mark.parametrize(
    ("loss_fn", "constant"), [(nn.MSELoss(), "variance"), (nn.L1Loss(), "deviation")]
)
def test_regression_is_measured_against_the_mean_or_the_median(loss_fn, constant):
    rows, target = diabetes()
    whole = target[:416]  # of 13 whole batches
    best = {
        "variance": float(whole.var(correction=0)),
        "deviation": float((whole - whole.median()).abs().mean()),
    }[constant]
    found = facts(loader(rows, target, shuffle=False), mlp(10, 16, 1), loss_fn)
    assert found["loss.chance"] == pytest.approx(best, rel=1e-3)
    assert found["loss.initial_over_chance"] > 1.5


def test_a_loss_of_the_users_own_has_its_constant_found():
    rows, target = diabetes()
    target = target / 100

    def asymmetric(output, wanted):  # quantile loss: the best constant is the 0.9 quantile
        error = wanted - output
        return torch.maximum(0.9 * error, -0.1 * error).mean()

    best = float(asymmetric(target[:416].quantile(0.9), target[:416]))
    found = facts(loader(rows, target, shuffle=False), mlp(10, 16, 1), asymmetric)
    assert found["loss.chance"] == pytest.approx(best, rel=0.02)


def test_losses_on_probabilities_are_given_probabilities():
    rows, labels = tumours()
    share = float(labels[:544].mean())
    entropy = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    fed = nn.Sequential(*mlp(30, 1), nn.Sigmoid())
    plain = facts(loader(rows / 1000, labels, shuffle=False), fed, nn.BCELoss())
    logits = facts(loader(rows / 1000, labels, shuffle=False), mlp(30, 1), nn.BCEWithLogitsLoss())
    assert plain["loss.chance"] == pytest.approx(entropy, rel=1e-3)
    assert logits["loss.chance"] == pytest.approx(entropy, rel=1e-3)


def test_negative_log_likelihood_has_the_entropy_for_its_chance():
    rows, digit = digits()
    fed = nn.Sequential(*mlp(64, 10), nn.LogSoftmax(1))
    found = facts(loader(rows, digit), fed, nn.NLLLoss())
    assert found["loss.chance"] == pytest.approx(math.log(10), rel=0.01)


def test_tokens_have_the_entropy_of_their_frequencies():
    tokens = torch.arange(64 * 8).reshape(64, 8) % 4
    model = nn.Sequential(nn.Embedding(4, 8), nn.Linear(8, 4))
    loss = lambda o, t: F.cross_entropy(o.reshape(-1, 4), t.reshape(-1))  # noqa: E731
    found = facts(loader(tokens, tokens.roll(1, 1)), model, loss)
    assert found["loss.chance"] == pytest.approx(math.log(4), rel=1e-3)


def test_a_step_of_the_users_own_is_understood_by_the_loss_it_calls():
    rows, digit = digits()
    model = mlp(64, 10)
    found = facts(
        loader(rows, digit), model, None, step=lambda m, b: F.cross_entropy(m(b[0]), b[1])
    )
    assert found["loss.chance"] == pytest.approx(math.log(10), rel=0.01)
    assert found["loss.grows_with_batch"] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("reduction", "growth"), [("mean", 1), ("sum", 2)])
def test_a_sum_grows_with_the_batch_and_a_mean_does_not(reduction, growth):
    loss = nn.CrossEntropyLoss(reduction=reduction)
    found = facts(loader(*digits()), mlp(64, 10), loss)
    assert found["loss.grows_with_batch"] == pytest.approx(growth, rel=1e-3)
    assert found["loss.initial_over_chance"] == pytest.approx(1, abs=0.15)


def test_dropout_and_batch_normalisation_do_not_disturb_the_growth():
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 10))
    found = facts(loader(*digits()), model, nn.CrossEntropyLoss())
    assert found["loss.grows_with_batch"] == pytest.approx(1, rel=1e-3)


def test_a_loss_that_is_not_finite_is_said_to_be_so():
    rows, digit = digits()
    found = facts(loader(rows * math.inf, digit), mlp(64, 10), nn.CrossEntropyLoss())
    assert found["loss.initial_finite"] is False
    assert "loss.initial_over_chance" not in found


def test_a_loss_without_lower_end_has_no_chance_level():
    rows, labels = tumours()
    found = facts(loader(rows / 1000, labels + 1), mlp(30, 1), nn.BCEWithLogitsLoss())
    assert "loss.chance" not in found


def test_probabilities_are_never_left_in_the_search_for_a_constant(tmp_path):
    rows, labels = tumours()
    fed = nn.Sequential(*mlp(30, 1), nn.Sigmoid())
    seen_file = tmp_path / "seen"  # a list would be put back as it was, like all of the user's

    def penalised(output, target):
        with seen_file.open("a") as file:
            print(float(output.detach().min()), float(output.detach().max()), file=file)
        return F.binary_cross_entropy(output, target) + 0.01 * F.mse_loss(output, target)

    found = facts(loader(rows / 1000, labels), fed, penalised)
    given = [float(word) for word in seen_file.read_text().split()]
    assert 0 <= min(given) <= max(given) <= 1
    assert found["loss.chance"] < 0.8
