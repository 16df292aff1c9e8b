"""Trials in processes of their own: events, several at once, interrupts, deaths, and Ray."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from expert import UsageError, load_knowledge
from expert.errors import UserCodeError
from expert.trial_inquiries import STEPS, USES, trial_candidates
from expert.trying import TrialRun, try_fixes

CASE = """
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def case():
    torch.manual_seed(0)
    x = torch.randn(400, 6)
    y = (x[:, :1] - 2 * x[:, 1:2]) * 50
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    return {
        "model": model,
        "loss_fn": nn.MSELoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=1e-4),
        "train_loader": DataLoader(TensorDataset(x[:300], y[:300]), batch_size=30, shuffle=True),
        "val_loader": DataLoader(TensorDataset(x[300:], y[300:]), batch_size=50),
    }

class Fragile(nn.Linear):
    def forward(self, x):
        if not self.bias.any():  # as it is when the weights are initialised anew
            os.kill(os.getpid(), 9)
        return super().forward(x)

def deadly():
    made = case()
    torch.manual_seed(0)
    made["model"][0] = Fragile(6, 16)
    made["optimizer"] = torch.optim.SGD(made["model"].parameters(), lr=1e-4)
    return made

def broken():
    raise RuntimeError("no such file")
"""
TRIALS = ["rate-tenfold", "rate-tenth", "another-seed"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = tmp_path / "own_case.py"
    path.write_text(CASE, encoding="utf-8")
    return path


@pytest.mark.timeout(240)
@pytest.mark.parametrize("jobs", [1, 2])
def test_events_tell_every_trial_once_however_many_processes(file: Path, jobs: int) -> None:
    told: list[Mapping[str, Any]] = []
    tried = try_fixes(f"{file}:case", TRIALS, budget=60, jobs=jobs, on_event=told.append)
    assert list(tried.results) == TRIALS
    assert tried.results["rate-tenfold"]["cured"]
    assert not tried.results["rate-tenth"]["improved"]
    assert not tried.interrupted
    kinds = [event["event"] for event in told]
    assert kinds.count("trials") == kinds.count("end") == 1
    assert [trial["id"] for trial in told[kinds.index("trials")]["trials"]] == TRIALS
    ended = [event["id"] for event in told if event.get("status") == "done"]
    assert sorted(ended) == sorted(["baseline", *TRIALS])
    points = [p for e in told if e["event"] == "trial" for p in e.get("validation", ())]
    assert points
    assert all(inquiry.seconds > 0 for inquiry in tried.inquiries)


@pytest.mark.timeout(240)
def test_an_interrupt_keeps_what_is_known(file: Path) -> None:
    def stop_at_the_second(event: Mapping[str, Any]) -> None:
        if event.get("id") == "rate-tenth":
            raise KeyboardInterrupt

    tried = try_fixes(f"{file}:case", TRIALS, budget=60, on_event=stop_at_the_second)
    assert tried.interrupted
    assert tried.results["rate-tenfold"]["cured"]
    assert not tried.results["another-seed"]["tried"]
    assert "stopped" in tried.results["another-seed"]["reason"]["en"]
    assert "trial.effect" in {seen.name for seen in tried.observations}


@pytest.mark.timeout(240)
def test_another_thread_can_cancel(file: Path) -> None:
    started = threading.Event()
    run = TrialRun(f"{file}:case", TRIALS, budget=60, on_event=lambda event: started.set())
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run.run()))
    thread.start()
    assert started.wait(120)
    run.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert found[0].interrupted


@pytest.mark.timeout(240)
def test_a_trial_that_kills_its_process_is_told_and_the_others_go_on(file: Path) -> None:
    trials = ["kaiming-initialisation", "rate-tenfold"]
    tried = try_fixes(f"{file}:deadly", trials, budget=60)
    assert "SIGKILL" in tried.results["kaiming-initialisation"]["reason"]["en"]
    assert tried.results["rate-tenfold"]["cured"]


@pytest.mark.timeout(120)
def test_memory_that_is_not_there_is_a_reason(file: Path) -> None:
    tried = try_fixes(f"{file}:case", ["rate-tenth"], budget=60, memory=1000)
    assert not tried.results["rate-tenth"]["tried"]
    assert "memory" in tried.results["rate-tenth"]["reason"]["en"]
    assert tried.inquiries[0].status == "skipped"


@pytest.mark.timeout(120)
def test_what_is_wrong_with_the_case_itself_is_raised(file: Path) -> None:
    with pytest.raises(UserCodeError, match="no such file"):
        try_fixes(f"{file}:broken", TRIALS, budget=60, jobs=2)
    with pytest.raises(UsageError, match="no trial `rate-tenht`"):
        try_fixes(f"{file}:case", ["rate-tenht"], budget=60)


@pytest.mark.timeout(240)
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_ctrl_c_on_the_command_line_prints_what_is_known(file: Path) -> None:
    target = file.parent / "out.json"
    command = [sys.executable, "-m", "expert", "try", f"{file}:case", "--json", str(target)]
    many = [
        "standardised-targets",
        "another-seed",
        "adam",
        "rate-tenth",
        "kaiming-initialisation",
    ]
    command += [f"--trial={trial}" for trial in many]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline and not _trying(process.pid):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    report = json.loads(target.read_text(encoding="utf-8"))
    assert [entry["id"] for entry in report["cure"]["tried"]] == many
    assert "another-seed" in shown


def _trying(pid: int) -> bool:
    """Return whether a process for trials is at work (there is one for the probes before)."""
    try:
        told = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        lines = [Path(f"/proc/{id_}/cmdline").read_bytes() for id_ in " ".join(told).split()]
    except OSError:
        return False
    return any(b"--share=" in line for line in lines)


def test_trials_are_candidates_for_the_next_inquiry() -> None:
    knowledge = load_knowledge()
    trials = ["shuffled", "suggested-rate"]
    shuffled, rate = trial_candidates(knowledge, trials)
    assert [shuffled.id, rate.id] == trials
    assert shuffled.kind == "trial"
    assert "trial.effect" in shuffled.provides
    assert rate.after == ("learning_rate",)
    (alone,) = trial_candidates(knowledge, ["shuffled"])
    assert alone.cost == 3 * STEPS  # with the two runs that it is compared with
    assert shuffled.cost == 2 * STEPS


def test_what_trials_use_is_known_to_both_sides() -> None:
    registry = pytest.importorskip("probes.trials.registry")
    used = {trial.id: trial.uses for trial in registry.TRIALS.values() if trial.uses}
    assert used == dict(USES)


def test_without_ray_the_option_says_how_to_get_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"torchmedic\[ray\]"):
        try_fixes(f"{file}:case", TRIALS, on_ray=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `ray`")
def test_a_local_ray_gives_the_same_results(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    here = try_fixes(f"{file}:case", TRIALS, budget=120)
    import ray

    told: list[Mapping[str, Any]] = []
    try:
        there = try_fixes(
            f"{file}:case", TRIALS, budget=120, jobs=2, on_ray=True, on_event=told.append
        )
    finally:
        ray.shutdown()
    for id_ in TRIALS:
        for name in ("improved", "cured", "before", "after", "baseline"):
            assert there.results[id_][name] == here.results[id_][name]
    assert any(event.get("train") for event in told)
