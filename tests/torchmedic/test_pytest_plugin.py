"""The plugin, in pytest runs of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CASE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def build(last):
    torch.manual_seed(0)
    x = torch.randn(512, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2), *last)
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=1e-2),
        "train_loader": DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True),
    }

def healthy():
    return build([])

def ill():
    return build([nn.Softmax(dim=1)])

def broken():
    raise RuntimeError("no such file: data.csv")
"""
TESTS = """
import case

def test_healthy(torchmedic):
    assert torchmedic.check(case.healthy()).findings == ()

def test_ill(torchmedic):
    torchmedic.check(case.ill())

def test_ill_but_known(torchmedic):
    causes = {finding.cause for finding in torchmedic.check(case.ill(), ignore=CAUSES).findings}
    assert "double-softmax" in causes
""".replace("CAUSES", "['double-softmax', 'last-activation-wrong']")


def pytest_run(folder: Path, *arguments: str) -> tuple[int, str]:
    (folder / "case.py").write_text(CASE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ended = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )
    return ended.returncode, ended.stdout + ended.stderr


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONPATH": ""}


@pytest.mark.slow
def test_the_fixture_passes_the_healthy_and_fails_the_ill_with_its_diagnosis(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_models.py").write_text(TESTS, encoding="utf-8")
    status, output = pytest_run(tmp_path, "test_models.py")
    assert status == 1
    assert "2 passed" in output
    assert "1 failed" in output
    assert "Softmax is applied twice" in output
    assert "checking.py" not in output  # our frames are not shown


@pytest.mark.slow
def test_the_option_examines_a_case_as_a_test(tmp_path: Path) -> None:
    status, output = pytest_run(tmp_path, "--torchmedic", "case.py:ill")
    assert status == 1
    assert "Softmax is applied twice" in output
    status, output = pytest_run(tmp_path, "--torchmedic", "case.py:healthy")
    assert status == 0, output
    assert "1 passed" in output


def test_a_case_function_that_raises_keeps_its_traceback(tmp_path: Path) -> None:
    status, output = pytest_run(tmp_path, "--torchmedic", "case.py:broken")
    assert status == 1
    assert "no such file: data.csv" in output
    assert "pytest_plugin.py" not in output


def test_the_plugin_does_not_load_torch() -> None:
    script = "import torchmedic.pytest_plugin, sys; print('torch' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"
