"""What `tests.bench.watching` trains: MODEL STEPS DEVICE WAY WARM_UP; prints its times as JSON."""

from __future__ import annotations

import contextlib
import itertools
import json
import resource
import sys
import tempfile
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(0)


def mlp(width: int, depth: int) -> tuple[nn.Module, Tensor]:
    sizes = [256, *[width] * depth, 10]
    layers = [p for a, b in itertools.pairwise(sizes) for p in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1]), torch.randn(2048, 256)


def cnn(width: int) -> tuple[nn.Module, Tensor]:
    layers: list[nn.Module] = []
    for a, b in ((3, width), (width, 2 * width), (2 * width, 2 * width)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
    head = nn.Linear(2 * width * 16, 10)
    return nn.Sequential(*layers, nn.Flatten(), head), torch.randn(1024, 3, 32, 32)


def transformer(width: int, depth: int) -> tuple[nn.Module, Tensor]:
    layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
    encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
    head = [nn.Flatten(), nn.Linear(32 * width, 10)]
    return nn.Sequential(nn.Linear(16, width), encoder, *head), torch.randn(1024, 32, 16)


MODELS: dict[str, Any] = {
    "mlp-s": lambda: mlp(64, 2),
    "mlp": lambda: mlp(1024, 3),
    "mlp-l": lambda: mlp(2048, 4),
    "cnn-s": lambda: cnn(8),
    "cnn": lambda: cnn(32),
    "transformer-s": lambda: transformer(32, 2),
    "transformer": lambda: transformer(128, 3),
    "transformer-l": lambda: transformer(512, 6),
}


def looker(way: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    """Return what is called after every backward pass, with the step and the loss."""
    if way in ("histograms", "tensorboard"):
        if way == "tensorboard":
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(tempfile.mkdtemp())  # type: ignore[no-untyped-call]

        def histograms(step: int, loss: Tensor) -> None:
            if step % 100:  # wandb.watch's own log_freq is 1000, of each parameter's gradient
                return
            for name, parameter in model.named_parameters():
                for kind, values in (("weight", parameter), ("gradient", parameter.grad)):
                    if values is None:
                        continue
                    if way == "tensorboard":
                        writer.add_histogram(f"{name}/{kind}", values, step)  # type: ignore[no-untyped-call]
                    else:
                        flat = values.detach().float().flatten()
                        low, high = flat.min().item(), flat.max().item()
                        flat.histc(bins=64, min=low, max=high).cpu().tolist()

        return histograms
    if way == "torch-audit":  # its own recommendation: every 1000 steps
        from torch_audit import autopatch

        autopatch(model, optimizer=optimizer, every_n_steps=1000, run_static=True, run_init=True)
    if way == "torchmortem":  # its default sampling
        from torchmortem import Autopsy

        autopsy = Autopsy(model, optimizer=optimizer).__enter__()
        return lambda step, loss: autopsy.step(loss=loss.item())
    return lambda step, loss: None


def around(way: str) -> Any:
    """Return the context in which training is looked at."""
    if way == "anomaly":
        return torch.autograd.detect_anomaly()
    return contextlib.nullcontext()


def main() -> None:
    name, steps, device, way, warm_up = sys.argv[1:6]
    model, x = MODELS[name]()
    model.to(device)
    y = torch.randint(0, 10, (len(x),))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    look = looker(way, model, optimizer)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    first = time.process_time(), time.perf_counter()
    began, faults = first, 0
    with around(way):
        for step, (xb, yb) in enumerate(itertools.islice(batches, int(steps))):
            if step == int(warm_up):
                if device != "cpu":
                    torch.cuda.synchronize()
                began = time.process_time(), time.perf_counter()
                faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            optimizer.zero_grad()
            loss = loss_fn(model(xb.to(device)), yb.to(device))
            loss.backward()
            look(step, loss)
            optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()
    ended = time.process_time(), time.perf_counter()
    counted = int(steps) - int(warm_up)
    clock = 0 if device == "cpu" else 1
    print(
        json.dumps(
            {
                "processor": (ended[0] - began[0]) / counted,
                "wall": (ended[1] - began[1]) / counted,
                "whole": (ended[clock] - first[clock]) / int(steps),
                "faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults + 1,
            }
        )
    )


main()
