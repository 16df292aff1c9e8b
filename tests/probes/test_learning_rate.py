from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import Adam, AdamW, RMSprop

from probes import data, labels, learning_rate, loss_at_start
from probes.running.examination import Examination
from probes.training.short_training import Unsuitable
from tests.probes.fingerprint import bits
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
    return seen(given, data.PROBE, labels.PROBE, loss_at_start.PROBE, learning_rate.PROBE)


@pytest.mark.parametrize(("momentum", "limit"), [(0.0, 2.0), (0.9, 3.8)])
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_on_a_quadratic_the_largest_stable_rate_is_that_of_theory(momentum, limit, scale):
    """Gradient descent is stable up to 2/lambda, with momentum m up to 2(1+m)/lambda."""
    torch.manual_seed(0)
    rows = torch.randn(512, 5) * torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0]) * scale
    target = rows @ torch.randn(5, 1)
    curvature = float(torch.linalg.eigvalsh(2 * rows.T @ rows / len(rows)).max())
    model = nn.Linear(5, 1, bias=False)
    given = case(model, loader(rows, target, size=512), nn.MSELoss(), sgd(1e-3, momentum=momentum))
    exam = Examination(given)
    found = {o.name: o.value for o in learning_rate.PROBE.measure(exam)}
    assert found["sweep.largest_stable_rate"] == pytest.approx(limit / curvature, rel=0.6)


@pytest.mark.parametrize("made", [sgd(0.1), sgd(0.05, momentum=0.9), adam(1e-3)])
def test_usual_rates_of_a_healthy_case_are_stable_and_not_far_from_the_advice(made):
    found = facts(digits_case(made))
    assert found["learning_rate.over_largest_stable"] < 0.5
    assert 0.01 < found["learning_rate.over_suggested"] <= 2
    assert found["sweep.best_end_over_chance"] < 0.9
    assert found["learning_rate.over_largest_useful"] < 1


@pytest.mark.parametrize(
    "made",
    [
        sgd(30.0),
        sgd(10.0, momentum=0.9),
        adam(1.0),
        lambda parameters: AdamW(parameters, 3.0),
        lambda parameters: RMSprop(parameters, 1.0),
    ],
)
def test_rates_that_are_too_high_are_beyond_the_largest_stable_one(made):
    found = facts(digits_case(made))
    assert found["learning_rate.over_largest_stable"] > 2
    assert found["learning_rate.over_suggested"] > 10


@pytest.mark.parametrize("made", [sgd(1e-6), adam(1e-7)])
def test_rates_that_are_too_low_are_far_below_the_advice(made):
    assert facts(digits_case(made))["learning_rate.over_suggested"] < 1e-3


def test_training_at_the_suggested_rate_works():
    found = facts(digits_case(sgd(100.0)))
    model, rows = mlp(64, 32, 10), loader(*digits())
    optimizer = torch.optim.SGD(model.parameters(), found["sweep.suggested_rate"])
    for _ in range(5):
        for inputs, targets in rows:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    inputs, targets = digits()
    assert float((model(inputs).argmax(1) == targets).float().mean()) > 0.9


def test_batch_normalisation_that_never_diverges_still_has_a_largest_rate():
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    found = facts(digits_case(adam(1e-3), model))
    assert found["learning_rate.over_largest_stable"] < 0.1
    assert found["sweep.suggested_rate"] <= 0.1


def test_dropout_and_small_batches_do_not_make_usual_rates_look_high():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
    given = case(model, loader(*digits(), size=8), nn.CrossEntropyLoss(), adam(1e-3))
    assert facts(given)["learning_rate.over_largest_stable"] < 0.2


def test_raw_inputs_make_a_good_rate_too_high_and_standardising_cures_it():
    rows, labelled = tumours()
    raw = facts(case(mlp(30, 32, 1), loader(rows, labelled), nn.BCEWithLogitsLoss(), sgd(0.1)))
    cured = facts(
        case(mlp(30, 32, 1), loader(standard(rows), labelled), nn.BCEWithLogitsLoss(), sgd(0.1))
    )
    assert raw["learning_rate.over_largest_stable"] > 3
    assert raw["sweep.largest_stable_rate_standardised"] > 0.5
    assert cured["learning_rate.over_largest_stable"] < 0.3
    assert "sweep.largest_stable_rate_standardised" not in cured


def test_large_targets_make_a_good_rate_too_high_and_standardising_cures_it():
    rows, target = diabetes()
    raw = facts(case(mlp(10, 32, 1), loader(rows, target * 100), nn.MSELoss(), sgd(0.02)))
    cured = facts(case(mlp(10, 32, 1), loader(rows, standard(target)), nn.MSELoss(), sgd(0.02)))
    assert raw["learning_rate.over_largest_stable"] > 3
    assert raw["sweep.largest_stable_rate_standardised_target"] > 0.05
    assert "sweep.largest_stable_rate_standardised" not in raw  # its inputs are well scaled
    assert cured["learning_rate.over_largest_stable"] < 0.5


def dead():
    model = mlp(64, 32, 10)
    with torch.no_grad():
        model[0].bias.fill_(-100)
    return model


def saturated_to_the_bottom():
    return mlp(64, *[32] * 12, 10, activation=nn.Sigmoid)


@pytest.mark.parametrize("made", [dead, saturated_to_the_bottom])
def test_no_rate_is_suggested_where_none_would_help(made):
    assert "sweep.suggested_rate" not in facts(digits_case(adam(1e-3), made()))


def test_nothing_is_measured_when_the_optimizer_holds_another_model():
    model, other = mlp(64, 10), mlp(64, 10)
    given = case(
        model,
        loader(*digits()),
        nn.CrossEntropyLoss(),
        lambda _: torch.optim.SGD(other.parameters(), 0.1),
    )
    assert list(learning_rate.PROBE.measure(Examination(given))) == []


def test_lbfgs_is_declined_with_a_reason():
    with pytest.raises(Unsuitable, match="closure"):
        list(learning_rate.PROBE.measure(Examination(digits_case(torch.optim.LBFGS))))


def test_groups_keep_their_proportions_and_everything_is_put_back():
    model = mlp(64, 32, 10)
    groups = [
        {"params": model[0].parameters(), "lr": 1e-3},
        {"params": model[2].parameters(), "lr": 1e-2},
    ]
    given = case(model, loader(*digits()), nn.CrossEntropyLoss(), lambda _: Adam(groups))
    before = [bits(parameter) for parameter in model.parameters()]
    random = torch.get_rng_state()
    found = facts(given)
    assert [group["lr"] for group in given.optimizer.param_groups] == [1e-3, 1e-2]
    assert [bits(parameter) for parameter in model.parameters()] == before
    assert torch.equal(torch.get_rng_state(), random)
    own, largest = 1e-2, found["sweep.largest_stable_rate"]
    assert found["learning_rate.over_largest_stable"] == pytest.approx(own / largest)


def test_the_same_case_gives_the_same_answer_at_a_bounded_price():
    exam, again = Examination(digits_case(adam(1e-3))), Examination(digits_case(adam(1e-3)))
    first = list(learning_rate.PROBE.measure(exam))
    assert first == list(learning_rate.PROBE.measure(again))
    assert exam.steps <= learning_rate.PROBE.cost


def test_a_loss_that_falls_without_end_gets_no_advice():
    given = case(mlp(64, 32, 10), loader(*digits()), nn.NLLLoss(), sgd(0.1))  # fed with logits
    found = facts(given)
    assert found["sweep.falls_without_end"] is True
    assert "sweep.suggested_rate" not in found


def test_sorted_data_do_not_make_a_good_rate_look_too_high():
    rows, digit = digits()
    order = torch.argsort(digit)
    batches = loader(rows[order], digit[order], size=64, shuffle=False)
    given = case(mlp(64, 32, 10), batches, nn.CrossEntropyLoss(), adam(1e-2))
    assert facts(given)["learning_rate.over_largest_stable"] < 0.5


def test_the_sweep_is_told_from_the_lowest_rate_to_where_it_soars():
    exam = Examination(digits_case(sgd(0.1)))
    told = {o.name: o for o in learning_rate.PROBE.measure(exam)}
    swept = told["sweep.losses"]
    rates = [float(rate) for rate in swept.where]
    assert rates == sorted(set(rates))
    assert rates[0] == pytest.approx(1e-7)
    assert min(swept.value) < 0.95 * swept.value[0]  # at good rates it falls, by more than noise
    assert not swept.value[-1] < 2 * swept.value[0]  # at the last it has blown up
    assert rates[-1] > told["sweep.largest_stable_rate"].value
