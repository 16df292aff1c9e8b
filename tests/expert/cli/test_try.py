"""`torchmedic try`, end to end, on cases that are in no other test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from expert.cli import main

BROADCAST = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def case(rate=1e-2):
    torch.manual_seed(0)
    x = torch.randn(400, 6)
    y = x[:, 0] - 2 * x[:, 1]
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    return {
        "model": model,
        "loss_fn": lambda out, target: ((out - target) ** 2).mean(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=rate),
        "train_loader": DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True),
    }

def crawling():
    return case(1e-7)

def healthy():
    made = case()
    x, y = made["train_loader"].dataset.tensors
    made["train_loader"] = DataLoader(TensorDataset(x, y[:, None]), batch_size=32, shuffle=True)
    return made
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = tmp_path / "own_case.py"
    path.write_text(BROADCAST, encoding="utf-8")
    return path


@pytest.mark.timeout(240)
def test_a_cure_is_shown_with_its_numbers(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = file.parent / "out.json"
    assert main(["try", f"{file}:case", "--lang", "en", "--json", str(target)]) == 1
    shown = capsys.readouterr().out
    assert "Cure: same-shape-targets" in shown
    assert "explained variance" in shown
    report = json.loads(target.read_text(encoding="utf-8"))
    first = report["findings"][0]
    assert first["cause"] == "loss-broadcast-mistake"
    trial = first["fixes"][0]["trial"]
    assert trial["id"] == "same-shape-targets"
    assert trial["cured"]
    assert trial["after"] > 0.8 > trial["baseline"]
    cure = report["cure"]
    assert (cure["trials"], cure["cured"]) == (["same-shape-targets"], True)
    curves = next(entry for entry in cure["tried"] if entry["id"] == "same-shape-targets")["curves"]
    assert curves["treated"]["train"][-1][1] < 0.2 * curves["treated"]["train"][0][1]
    assert curves["baseline"]["train"][-1][1] > curves["treated"]["train"][-1][1]
    assert any(rule["rule"].endswith("/trial-helped") for rule in first["evidence"])
    assert {"id": "same-shape-targets", "kind": "trial", "status": "done"}.items() <= next(
        entry for entry in report["inquiries"] if entry["kind"] == "trial"
    ).items()


@pytest.mark.timeout(300)
def test_two_faults_that_hide_each_other_are_healed_together(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = file.parent / "out.json"
    assert main(["try", f"{file}:crawling", "--lang", "zh", "--json", str(target)]) == 1
    shown = capsys.readouterr().out
    assert "治愈" in shown
    cure = next(line for line in shown.splitlines() if line.startswith("治愈："))
    assert "same-shape-targets" in cure
    assert "suggested-rate" in cure
    assert shown.count("\n修复：") == 2  # how to make each change
    broadcast = json.loads(target.read_text(encoding="utf-8"))["findings"][0]
    assert broadcast["cause"] == "loss-broadcast-mistake"
    assert any(piece["rule"].endswith("/trial-helped") for piece in broadcast["evidence"])


@pytest.mark.timeout(240)
def test_a_healthy_case_has_nothing_to_try(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", f"{file}:healthy", "--lang", "en", "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == []
    assert report["cure"] == {"trials": [], "cured": False, "tried": []}
