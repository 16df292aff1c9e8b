"""`python -m tests.bench.probe_cost`: what an examination costs, in training steps of the case.

For each case a bare training step (forward, loss, backward, optimizer step) and every probe are
timed in one process, in turn; the ratio of the medians is printed. The goal: the cheap probes (all
but the short trainings) cost ten steps together.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from probes import Case
from probes.registry import PROBES
from probes.running.events import ProbeEnded
from probes.running.run import CHEAP, run_probes

BATCH = 64


def mlp() -> Case:
    """Return a wide MLP: matrix products dominate."""
    sizes = [512, 1024, 1024, 1024, 1024, 10]
    layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return _case(nn.Sequential(*layers[:-1]), torch.randn(512, 512), torch.randint(0, 10, (512,)))


def cnn() -> Case:
    """Return a small convolutional network with batch normalisation."""
    layers: list[nn.Module] = []
    for a, b in ((3, 32), (32, 64), (64, 64), (64, 128)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))
    return _case(model, torch.randn(512, 3, 32, 32), torch.randint(0, 10, (512,)))


def transformer() -> Case:
    """Return a transformer encoder of four layers over 64 tokens."""
    layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    model = nn.Sequential(nn.Linear(16, 128), encoder, nn.Flatten(), nn.Linear(64 * 128, 10))
    return _case(model, torch.randn(512, 64, 16), torch.randint(0, 10, (512,)))


def _case(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> Case:
    starts = range(0, len(inputs), BATCH)
    return Case(
        model=model,
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-3),
        train_loader=[(inputs[i : i + BATCH], targets[i : i + BATCH]) for i in starts],
    )


def step_seconds(case: Case, steps: int = 12) -> float:
    """Return the median time of a bare training step of a case like this one."""
    seconds = []
    for number in range(steps):
        inputs, targets = case.train_loader[number % len(case.train_loader)]
        start = time.perf_counter()
        case.optimizer.zero_grad()
        case.loss_fn(case.model(inputs), targets).backward()
        case.optimizer.step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


def probe_seconds(case: Case) -> tuple[float, dict[str, float]]:
    """Return the seconds of the whole examination and of each probe."""
    ended: list[Any] = []
    start = time.perf_counter()
    run_probes(case, budget_s=600.0, on_event=ended.append)
    whole = time.perf_counter() - start
    return whole, {e.id: e.seconds for e in ended if isinstance(e, ProbeEnded)}


def measure(build: Callable[[], Case], repeats: int) -> Iterator[tuple[str, float]]:
    """Yield (what, cost in training steps): every probe, the cheap ones together, everything."""
    torch.manual_seed(0)
    rows: dict[str, list[float]] = {}
    for _ in range(repeats):
        step = step_seconds(build())
        whole, seconds = probe_seconds(build())
        step = statistics.median([step, step_seconds(build())])
        cheap = {probe.id for probe in PROBES if probe.cost <= CHEAP}
        dear = sum(s for id_, s in seconds.items() if id_ not in cheap)
        for id_, value in seconds.items():
            rows.setdefault(id_, []).append(value / step)
        rows.setdefault("cheap probes, drawing and isolation", []).append((whole - dear) / step)
        rows.setdefault("whole examination", []).append(whole / step)
    for what, values in rows.items():
        yield what, statistics.median(values)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: a row per probe, a column per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    builds = (mlp, cnn, transformer)
    columns = {build.__name__: dict(measure(build, options.repeats)) for build in builds}
    print(f"{'cost in training steps':40s}" + "".join(f"{name:>14s}" for name in columns))
    for what in next(iter(columns.values())):
        print(f"{what:40s}" + "".join(f"{column[what]:14.1f}" for column in columns.values()))


if __name__ == "__main__":
    main()
