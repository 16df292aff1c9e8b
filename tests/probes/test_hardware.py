from __future__ import annotations

import pytest
import torch
from torch import nn

from probes import hardware
from tests.probes.small_cases import adam, case, diabetes, loader, mlp, seen


@pytest.mark.parametrize("there", [True, False])
def test_an_idle_accelerator_is_named(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    given = case(mlp(10, 1), loader(*diabetes()), nn.MSELoss(), adam(1e-3), epochs=2)
    found = seen(given, hardware.PROBE)
    assert found["hardware.accelerator"] == ("cuda" if there else "none")
    assert found["hardware.device"] == "cpu"
    assert 0 < found["hardware.minutes_per_epoch"] < 1
    per_epoch = found["hardware.minutes_per_epoch"]
    assert found["hardware.hours_planned"] == pytest.approx(2 * per_epoch / 60)


def test_without_an_optimizer_the_device_is_named_all_the_same():
    given = case(mlp(10, 1), loader(*diabetes()), nn.MSELoss(), adam(1e-3))
    object.__setattr__(given, "optimizers", ())
    assert set(seen(given, hardware.PROBE)) == {"hardware.device", "hardware.accelerator"}
