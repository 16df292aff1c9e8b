"""What a watched run tells, in one process: data, fits, depth, optimizers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from probes import data
from probes.watching.facts import observations
from probes.watching.watcher import Watcher


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    torch.manual_seed(0)
    one = Watcher(__file__)
    one.install()
    yield one
    one.finish()
    assert one.now.guard.broken == {}


def _told(watcher: Watcher) -> dict[str, Any]:
    watcher.finish()
    return {fact.name: fact.value for fact in observations(watcher)}


def _fit(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, epochs: int
) -> list[float]:
    loader = DataLoader(TensorDataset(x, (x[:, 0] > x[:, 1]).long()), 16, shuffle=True)
    losses = []
    for _ in range(epochs):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
    return losses


def test_all_that_the_data_probe_tells_of_a_table_is_told_of_a_watched_run(
    watcher: Watcher,
) -> None:
    model = nn.Linear(4, 2)
    _fit(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.randn(128, 4), 2)
    drawn_in_a_row = {"input.identical_sample_share"}
    assert set(data.PROBE.provides) - drawn_in_a_row - _told(watcher).keys() == set()


def test_the_course_is_that_of_one_fit_of_several(watcher: Watcher) -> None:
    x, courses = torch.randn(256, 4), []
    for epochs in (2, 4, 3):
        model = nn.Linear(4, 2)
        courses.append(
            _fit(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), x, epochs)
        )
    curve = watcher.losses.main()
    assert curve is not None
    assert curve.means == courses[1]


def test_a_model_that_goes_on_with_another_optimizer_goes_on_with_its_course(
    watcher: Watcher,
) -> None:
    x, model = torch.randn(256, 4), nn.Linear(4, 2)
    courses = [_fit(model, torch.optim.SGD(model.parameters(), lr=0.1), x, 2) for _ in range(2)]
    curve = watcher.losses.main()
    assert curve is not None
    assert curve.means == [*courses[0], *courses[1]]


@pytest.mark.parametrize(
    ("activation", "least", "most"), [(nn.Sigmoid, 0.0, 1e-3), (nn.ReLU, 0.03, 30.0)]
)
def test_gradients_are_compared_along_the_depth(
    activation: type[nn.Module], least: float, most: float, watcher: Watcher
) -> None:
    inner = [part for _ in range(6) for part in (nn.Linear(32, 32), activation())]
    model = nn.Sequential(nn.Linear(4, 32), activation(), *inner, nn.Linear(32, 2))
    if activation is nn.ReLU:
        for part in model:
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
    _fit(model, torch.optim.SGD(model.parameters(), lr=0.01), torch.randn(128, 4), 2)
    told = _told(watcher)
    assert told["model.depth"] == 8
    assert least < told["gradient.first_over_last"] < most


def test_the_size_of_the_first_updates_does_not_fade_with_the_rate(watcher: Watcher) -> None:
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    _fit(model, optimizer, torch.randn(128, 4), 1)  # 8 steps: more than are looked at closely
    for group in optimizer.param_groups:
        group["lr"] = 1e-9
    _fit(model, optimizer, torch.randn(128, 4), 40)
    assert _told(watcher)["update.ratio_at_start"] > 0.1


def test_the_model_whose_optimizer_holds_another_one_is_the_one_told_of(watcher: Watcher) -> None:
    make, judge = nn.Linear(4, 4), nn.Linear(4, 2)
    of_judge = torch.optim.SGD(judge.parameters(), lr=0.1)
    of_make = torch.optim.SGD(judge.parameters(), lr=0.1)  # HERE
    for optimizer in [of_judge, of_make] * 10:
        optimizer.zero_grad()
        scores = judge(make(torch.randn(8, 4)))
        F.cross_entropy(scores, torch.zeros(8).long()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    told = _told(watcher)
    assert told["optimizer.missing_share"] == 1.0
    assert told["optimizer.foreign_count"] == 2
    with open(__file__, encoding="utf-8") as file:
        line = next(i for i, text in enumerate(file, 1) if text.endswith("# HERE\n"))
    assert told["place.optimizer"].endswith(f"test_facts.py:{line}")
