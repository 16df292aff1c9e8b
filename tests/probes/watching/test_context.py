"""`with torchmedic.watch()`: in notebooks, threads and several times in one process."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import torchmedic
from tests.probes.watching.running import ROOT

ORIGINALS = (torch.autograd.backward, nn.functional.mse_loss, torch.optim.Optimizer.zero_grad)


def train(steps: int = 60, *, zero: bool = True, bad: int | None = None) -> list[float]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for step in range(steps):
        x = torch.randn(16, 4)
        if step == bad:
            x[0] = torch.inf
        if zero:
            optimizer.zero_grad()
        loss = mse_loss(model(x), x[:, :1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def causes(watch: torchmedic.Watch) -> list[str]:
    return [finding.cause for finding in watch.diagnosis.findings]


def test_importing_it_does_not_import_torch() -> None:
    script = "import torchmedic, sys; print('torch' in sys.modules); torchmedic.watch"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_it_sees_changes_no_number_and_torch_is_as_before() -> None:
    alone = train()
    with torchmedic.watch(quiet=True, live=True, on_event=lambda event: None) as watching:
        seen = train()
        in_between = torch.get_rng_state()
        assert watching.diagnosis.findings == ()
        assert torch.equal(torch.get_rng_state(), in_between)
    assert seen == alone
    assert watching.steps == 60
    assert causes(watching) == []
    now = (torch.autograd.backward, nn.functional.mse_loss, torch.optim.Optimizer.zero_grad)
    assert now == ORIGINALS
    assert mse_loss is nn.functional.mse_loss


def test_a_diagnosis_is_there_meanwhile_and_afterwards_for_threads_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        with torchmedic.watch(language="en") as watching:
            thread = threading.Thread(target=train, kwargs={"zero": False})
            thread.start()
            thread.join()
            assert causes(watching) == ["missing-zero-grad"]
        assert causes(watching) == ["missing-zero-grad"]
    assert "missing-zero-grad" in capsys.readouterr().err


def test_an_inner_watch_shares_what_the_outer_one_sees() -> None:
    with torchmedic.watch(quiet=True) as outer:
        with torchmedic.watch() as inner:
            train(zero=False)
        assert causes(inner) == ["missing-zero-grad"]
        train(10, zero=False)
    assert outer.steps == 70


def test_training_stops_at_the_first_loss_that_is_not_finite() -> None:
    with (
        pytest.raises(torchmedic.TrainingStopped, match="after 20 updates: the loss is not finite"),
        torchmedic.watch(quiet=True, stop_on_finding=True, language="en") as watching,
    ):
        train(bad=20)
    assert watching.steps == 20
    assert causes(watching)


def test_events_tell_of_the_start_of_trouble() -> None:
    events: list[dict[str, Any]] = []
    watching = torchmedic.watch(
        quiet=True, stop_on_finding=True, raises=False, on_event=events.append
    )
    with watching:
        train(40, bad=5)
    assert watching.stopped is not None
    told = [event for event in events if event["event"] == "trouble"]
    assert [(event["kind"], event["step"]) for event in told] == [("nonfinite-loss", 5)]
    progress = next(event for event in events if event["event"] == "progress")
    assert {"seconds", "step", "loss", "steps_per_second", "watching_seconds"} <= progress.keys()


def test_a_watch_cannot_be_used_twice() -> None:
    watching = torchmedic.watch(quiet=True)
    with watching:
        pass
    with pytest.raises(Exception, match="has been used"):
        watching.start()
