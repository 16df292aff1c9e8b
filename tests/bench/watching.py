"""`python -m tests.bench.watching`: what watching costs, as watched over bare step time.

Each model trains in two processes in turn, bare and watched, several times; the script prints the
median time of its steps and of the whole loop, and the ratios of the medians are printed. On the
CPU the processor's time is taken, which others at work on the machine do not change much.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAUNCHER = "from expert.cli import main\nraise SystemExit(main())\n"
SCRIPT = """\
import itertools, json, sys, time
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(0)


def mlp():
    sizes = [512, 1024, 1024, 1024, 10]
    layers = [p for a, b in itertools.pairwise(sizes) for p in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1]), torch.randn(2048, 512)


def cnn():
    layers = []
    for a, b in ((3, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 10)), torch.randn(1024, 3, 32, 32)


def transformer():
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    head = [nn.Flatten(), nn.Linear(32 * 128, 10)]
    return nn.Sequential(nn.Linear(16, 128), encoder, *head), torch.randn(1024, 32, 16)


name, steps, device = sys.argv[1], int(sys.argv[2]), sys.argv[3]
clock = time.process_time if device == "cpu" else time.perf_counter  # others may be at work
model, x = {"mlp": mlp, "cnn": cnn, "transformer": transformer}[name]()
model.to(device)
y = torch.randint(0, 10, (len(x),))
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
times, began = [], None
batches = itertools.chain.from_iterable(itertools.repeat(loader))
for step, (xb, yb) in enumerate(itertools.islice(batches, steps)):
    start = clock()
    if step == 3:
        began = start
    optimizer.zero_grad()
    loss = loss_fn(model(xb.to(device)), yb.to(device))
    loss.backward()
    optimizer.step()
    if device != "cpu" and step % 50 == 49:
        torch.cuda.synchronize()
    times.append(clock() - start)
if device != "cpu":
    torch.cuda.synchronize()
whole = (clock() - began) / (steps - 3)
print(json.dumps([sorted(times)[len(times) // 2], whole]))
"""


def step_times(folder: Path, model: str, steps: int, device: str, *, watch: bool) -> list[float]:
    """Return the median step and the mean step (everything included) of one run, in seconds."""
    (folder / "train.py").write_text(SCRIPT)
    (folder / "torchmedic").write_text(LAUNCHER)
    command = [sys.executable, *(["torchmedic", "run"] if watch else []), "train.py"]
    done = subprocess.run(
        [*command, model, str(steps), device],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    times: list[float] = json.loads(done.stdout)
    return times


def main(arguments: Sequence[str] | None = None) -> None:
    """Print, per model, the watched over the bare median step and mean step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", default="mlp,cnn,transformer")
    options = parser.parse_args(arguments)
    print(f"{'model':12s}{'bare step ms':>14s}{'median step':>14s}{'mean step':>14s}")
    with tempfile.TemporaryDirectory() as name:
        for model in options.models.split(","):
            rows: dict[bool, list[list[float]]] = {False: [], True: []}
            for _ in range(options.repeats):
                for watch in (False, True):
                    found = step_times(
                        Path(name), model, options.steps, options.device, watch=watch
                    )
                    rows[watch].append(found)
            bare = [statistics.median(values) for values in zip(*rows[False], strict=True)]
            seen = [statistics.median(values) for values in zip(*rows[True], strict=True)]
            ratios = "".join(f"{b / a:14.3f}" for a, b in zip(bare, seen, strict=True))
            print(f"{model:12s}{1e3 * bare[0]:14.2f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
