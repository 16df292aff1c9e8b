"""Steps that are slept through: counted, their loss read, and everything told as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from probes.watching.facts import observations
from probes.watching.schedule import MOST_NAPS, Schedule
from probes.watching.watcher import Watcher

_EPOCHS = 6
_BATCHES = 16


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    """A watcher that sleeps as much as it may from the ninth step on."""
    monkeypatch.setattr(Schedule, "naps", lambda self, step: MOST_NAPS if step > 8 else 0)
    one = Watcher()
    one.install()
    yield one
    one.finish()


class Twice(torch.optim.SGD):
    """An optimizer whose step calls the step of the class above."""

    @torch.no_grad()
    def step(self, closure=None):  # type: ignore[no-untyped-def, override]
        return super().step(closure)


def _train(
    optimizer: torch.optim.Optimizer, model: nn.Module, spoilt_at: int | None = None
) -> list[float]:
    x = torch.randn(_BATCHES * 8, 4)
    y = (x[:, 0] > 0).long()
    loader = DataLoader(TensorDataset(x, y), 8, shuffle=True)
    held_out = DataLoader(TensorDataset(x[:64], y[:64]), 32)
    losses = []
    for _ in range(_EPOCHS):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            if len(losses) == spoilt_at:
                loss = loss * torch.nan
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            for xb, yb in held_out:
                F.cross_entropy(model(xb), yb)
    return losses


@pytest.mark.parametrize("kind", [torch.optim.SGD, Twice])
def test_every_step_and_every_loss_is_there(
    kind: type[torch.optim.Optimizer], watcher: Watcher
) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    losses = _train(kind(model.parameters(), lr=0.1), model)  # type: ignore[call-arg]
    watcher.finish()
    assert watcher.now.step == watcher.now.backwards == len(losses) == _EPOCHS * _BATCHES
    assert [seen.steps for seen in watcher.updates.seen.values()] == [len(losses)]
    curve = watcher.losses.main()
    assert curve is not None
    assert curve.means == losses
    assert [phase.curve.count for phase in watcher.losses.fit.phases] == [2] * _EPOCHS
    told = {fact.name: fact.value for fact in observations(watcher)}
    assert told["watch.evaluated_in_training_mode"] == 0
    assert told["loop.updates"] == len(losses)
    assert watcher.now.guard.broken == {}


def test_a_loss_that_is_not_finite_is_found_at_its_step(watcher: Watcher) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    _train(torch.optim.SGD(model.parameters(), lr=0.1), model, spoilt_at=40)
    watcher.finish()
    told = {fact.name: fact.value for fact in observations(watcher)}
    assert told["run.nonfinite_step"] == 40
