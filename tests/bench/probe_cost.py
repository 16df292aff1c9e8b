"""`python -m tests.bench.probe_cost`: what an examination costs, in training steps of the case.

For each case a bare training step (forward, loss, backward, optimizer step) and every probe are
timed in one process, in turn; the median of the ratios is printed. On a CPU the time is that of the
processor, which other work on the machine does not lengthen. The goal: the cheap probes (all but
the short trainings) cost ten steps together. The dear ones are bounded by `--budget`; `--cheap`
leaves them out. Last, how much longer a loop with one `.item()` per tensor takes than the fused
norms that probes use.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from probes import Case
from probes.case.device import move_case
from probes.probe import Probe
from probes.quantities.fused import norms
from probes.registry import PROBES
from probes.running.events import Event, ProbeEnded, ProbeRunning
from probes.running.run import CHEAP, run_probes

BATCH = 64


def mlp() -> Case:
    """Return a wide MLP: matrix products dominate."""
    sizes = [512, 1024, 1024, 1024, 1024, 10]
    layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return _case(nn.Sequential(*layers[:-1]), torch.randn(512, 512), torch.randint(0, 10, (512,)))


class _Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation beside a shortcut (He et al., 2016)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        stride = 1 if inputs == width else 2
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        shortcut = [nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(*shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


def resnet18() -> Case:
    """Return ResNet-18 for small images: 18 weight layers, 11 million parameters."""
    stem = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    widths = (64, 64, 64, 128, 128, 256, 256, 512, 512)
    blocks = [_Block(a, b) for a, b in itertools.pairwise(widths)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    inputs = torch.randn(256, 3, 32, 32)
    return _case(nn.Sequential(*stem, *blocks, *end), inputs, torch.randint(0, 10, (256,)), 16)


def transformer12() -> Case:
    """Return a transformer encoder of twelve layers over 64 tokens."""
    layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 12, enable_nested_tensor=False)
    model = nn.Sequential(nn.Linear(16, 128), encoder, nn.Flatten(), nn.Linear(64 * 128, 10))
    return _case(model, torch.randn(256, 64, 16), torch.randint(0, 10, (256,)), 16)


def _case(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, size: int = BATCH) -> Case:
    starts = range(0, len(inputs), size)
    return Case(
        model=model,
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-3),
        train_loader=[(inputs[i : i + size], targets[i : i + size]) for i in starts],
    )


def clock(device: torch.device) -> Callable[[], float]:
    """Return what tells the time: that of the processor unless the work is done elsewhere."""
    return time.process_time if device.type == "cpu" else time.perf_counter


def step_seconds(case: Case, steps: int = 12) -> float:
    """Return the median time of a bare training step of a case like this one."""
    seconds = []
    now = clock(case.device())
    for number in range(steps):
        inputs, targets = case.train_loader[number % len(case.train_loader)]
        start = now()
        case.optimizer.zero_grad()
        case.loss_fn(case.model(inputs), targets).backward()
        case.optimizer.step()
        synchronise(inputs.device)
        seconds.append(now() - start)
    return statistics.median(seconds[2:])


def probe_seconds(
    case: Case, probes: Sequence[Probe], budget_s: float
) -> tuple[float, dict[str, float]]:
    """Return the seconds of the whole examination and of each probe that was run."""
    now = clock(case.device())
    seconds: dict[str, float] = {}
    began: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, ProbeRunning):
            began.setdefault(event.id, now())
        elif isinstance(event, ProbeEnded) and event.id in began:
            seconds[event.id] = now() - began[event.id]

    start = now()
    run_probes(case, probes=probes, budget_s=budget_s, on_event=note)
    return now() - start, seconds


def measure(
    build: Callable[[], Case], repeats: int, budget_s: float, probes: Sequence[Probe]
) -> Iterator[tuple[str, float]]:
    """Yield (what, cost in training steps): every probe, the cheap ones together, everything."""
    torch.manual_seed(0)
    rows: dict[str, list[float]] = {}
    cheap = {probe.id for probe in probes if probe.cost <= CHEAP}
    for _ in range(repeats):
        before = step_seconds(build())
        whole, seconds = probe_seconds(build(), probes, budget_s)
        step = (before + step_seconds(build())) / 2
        dear = sum(s for id_, s in seconds.items() if id_ not in cheap)
        for id_, value in seconds.items():
            rows.setdefault(id_, []).append(value / step)
        rows.setdefault("cheap probes, drawing and isolation", []).append((whole - dear) / step)
        rows.setdefault("whole examination", []).append(whole / step)
    for what, values in rows.items():
        yield what, statistics.median(values)


def naive_norms(tensors: Sequence[torch.Tensor]) -> list[float]:
    """Return the norms one by one, each waited for: what most scripts do."""
    return [tensor.norm().item() for tensor in tensors]


def fused_against_naive(build: Callable[[], Case], repeats: int = 9) -> float:
    """Return how many times as long the naive loop over all parameters takes."""
    tensors = [parameter.detach() for parameter in build().model.parameters()]
    ratios = []
    now = clock(tensors[0].device)
    for _ in range(repeats):
        seconds = []
        for norms_of in (naive_norms, norms):
            synchronise(tensors[0].device)
            start = now()
            norms_of(tensors)
            seconds.append(now() - start)
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def on(device: str, build: Callable[[], Case]) -> Callable[[], Case]:
    """Return the case on a device, its data included."""

    def moved() -> Case:
        case = move_case(build(), device)
        case.train_loader[:] = [(x.to(device), y.to(device)) for x, y in case.train_loader]
        return case

    return moved


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: a row per probe, a column per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for the dear probes")
    parser.add_argument("--cheap", action="store_true", help="leave the dear probes out")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    builds = {build.__name__: on(options.device, build) for build in (mlp, resnet18, transformer12)}
    probes = [probe for probe in PROBES if probe.cost <= CHEAP or not options.cheap]
    columns = {
        name: dict(measure(build, options.repeats, options.budget, probes))
        for name, build in builds.items()
    }
    print(f"{'cost in training steps':40s}" + "".join(f"{name:>16s}" for name in columns))
    rows = dict.fromkeys(what for column in columns.values() for what in column)
    last = ("cheap probes, drawing and isolation", "whole examination")
    for what in (*(row for row in rows if row not in last), *last):
        values = [
            f"{column[what]:16.1f}" if what in column else " " * 15 + "-"
            for column in columns.values()
        ]
        print(f"{what:40s}" + "".join(values))
    ratios = [f"{fused_against_naive(build):16.2f}" for build in builds.values()]
    print(f"{'norms one by one over fused, in time':40s}" + "".join(ratios))


if __name__ == "__main__":
    main()
