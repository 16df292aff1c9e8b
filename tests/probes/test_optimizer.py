from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from probes import optimizer
from probes.case.case import Case
from tests.probes.small_cases import case, digits, digits_case, loader, mlp, seen, sgd


def facts(given):
    return seen(given, optimizer.PROBE)


def test_settings_are_read_from_the_groups():
    found = facts(digits_case(sgd(0.05, momentum=0.9, weight_decay=1e-4)))
    assert found["optimizer.kind"] == "SGD"
    assert found["optimizer.learning_rate"] == 0.05
    assert found["optimizer.momentum"] == 0.9
    assert found["optimizer.weight_decay"] == 1e-4


def test_all_optimizers_and_groups_count():
    model = mlp(64, 32, 10)
    optimizers = [
        torch.optim.SGD(model[0].parameters(), 0.1),
        torch.optim.Adam([{"params": model[2].parameters(), "lr": 0.5}]),
    ]
    found = facts(
        Case(
            model=model,
            train_loader=loader(*digits()),
            loss_fn=nn.CrossEntropyLoss(),
            optimizer=optimizers,
        )
    )
    assert found["optimizer.kind"] == "SGD+Adam"
    assert found["optimizer.learning_rate"] == 0.5
    assert found["optimizer.missing_share"] == 0


def test_the_rate_at_the_peak_of_a_warm_up_is_the_users():
    model = mlp(64, 10)
    made = torch.optim.Adam(model.parameters(), 1e-3)
    warm_up = torch.optim.lr_scheduler.LambdaLR(made, lambda step: step / 100)
    assert made.param_groups[0]["lr"] == 0
    given = case(model, loader(*digits()), nn.CrossEntropyLoss(), lambda _: made, scheduler=warm_up)
    assert facts(given)["optimizer.learning_rate"] == 1e-3


def test_a_layer_left_out_is_missing():
    model = mlp(64, 32, 10)
    given = case(
        model,
        loader(*digits()),
        nn.CrossEntropyLoss(),
        lambda _: torch.optim.SGD(model[0].parameters(), 0.1),
    )
    found = facts(given)
    assert found["optimizer.missing"] == (False, False, True, True)
    assert found["optimizer.missing_share"] == 330 / (64 * 32 + 32 + 330)


def test_the_parameters_of_a_copy_are_foreign():
    model = mlp(64, 10)
    other = copy.deepcopy(model)
    given = case(
        model,
        loader(*digits()),
        nn.CrossEntropyLoss(),
        lambda _: torch.optim.SGD(other.parameters(), 0.1),
    )
    found = facts(given)
    assert found["optimizer.foreign_count"] == 2
    assert found["optimizer.missing_share"] == 1


def test_what_the_loss_itself_learns_is_not_foreign():
    class Tempered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, output, target):
            return nn.functional.cross_entropy(output * self.scale, target)

    model, loss = mlp(64, 10), Tempered()
    both = [*model.parameters(), *loss.parameters()]
    found = facts(case(model, loader(*digits()), loss, lambda _: torch.optim.SGD(both, 0.1)))
    assert found["optimizer.foreign_count"] == 0


def test_tied_and_frozen_parameters_are_counted_once_and_apart():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10))
    model[1].weight = model[0].weight
    model[2].requires_grad_(False)
    found = facts(digits_case(sgd(0.1), model))
    assert found["optimizer.missing_share"] == 0
    assert found["parameters.trainable_count"] == 64 * 64 + 2 * 64
    expected = 650 / (64 * 64 + 2 * 64 + 650)
    assert found["parameters.frozen_share"] == pytest.approx(expected)


def test_a_case_without_optimizer_still_tells_what_is_frozen():
    model = mlp(64, 10).requires_grad_(False)
    found = facts(Case(model=model, train_loader=loader(*digits()), loss_fn=nn.CrossEntropyLoss()))
    assert found["parameters.frozen_share"] == 1
    assert "optimizer.kind" not in found
