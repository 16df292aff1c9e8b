"""How the logs in this folder were made: real trainings on scikit-learn's digits and diabetes.

    python -m tests.data.logs.make_logs     writes them anew (about a minute on one core)

The event files in `events` and `events_as_tensors` hold the healthy run in two files each, written
by tensorboard 2.21 (`--events`, needs tensorboard) and renamed.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import Tensor, nn
from torch.nn import functional as F

HERE = Path(__file__).parent
Record = dict[str, float]


@dataclass(frozen=True)
class Run:
    """One training: what differs from the healthy one."""

    lr: float = 1e-3
    optimizer: str = "adam"
    epochs: int = 12
    batch: int = 32
    samples: int = 1400
    hidden: int = 64
    dropout: float = 0.0
    weight_decay: float = 0.0
    momentum: float = 0.9
    smoothing: float = 0.0
    noisy_labels: float = 0.0
    shuffled_labels: bool = False
    softmax: bool = False
    zero_weights: bool = False
    naive_loss: bool = False  # log of a softmax by hand
    input_scale: float = 1.0
    decay: float = 1.0  # of the rate, per step
    cosine: bool = False
    regression: bool = False
    conv: bool = False
    log_every: int = 4
    seed: int = 0


def train(run: Run) -> Iterator[Record]:
    """Train, and yield a record per logged step and one per epoch with the validation."""
    torch.manual_seed(run.seed)
    x, y, x_val, y_val = data(run)
    model = network(run, x.shape[1])
    optimizer = make_optimizer(run, model)
    steps, total = 0, run.epochs * math.ceil(len(x) / run.batch)
    for epoch in range(run.epochs):
        model.train()
        for at in torch.randperm(len(x)).split(run.batch):
            rate = optimizer.param_groups[0]["lr"]
            loss = loss_of(run, model(x[at]), y[at])
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])
            optimizer.step()
            steps += 1
            if steps % run.log_every == 0 or steps == 1:
                yield {"epoch": epoch, "step": steps, "train_loss": loss.item(), "lr": rate,
                       "grad_norm": norm.item()}  # fmt: skip
            for group in optimizer.param_groups:
                group["lr"] *= run.decay
                if run.cosine:
                    group["lr"] = run.lr * 0.5 * (1 + math.cos(math.pi * steps / total))
        yield {"epoch": epoch, "step": steps, **validation(run, model, x_val, y_val)}


def data(run: Run) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    bunch = load_diabetes() if run.regression else load_digits()
    x = torch.tensor(bunch.data, dtype=torch.float32)
    x = (x - x.mean(0)) / (x.std(0) + 1e-6) * run.input_scale
    y = torch.tensor(bunch.target, dtype=torch.float32 if run.regression else torch.long)
    if run.regression:
        y = ((y - y.mean()) / y.std()).unsqueeze(1)
    order = torch.randperm(len(x))
    samples = min(run.samples, int(0.8 * len(x)))
    first, rest = order[:samples], order[max(samples, int(0.75 * len(x))) :]
    y_train = y[first].clone()
    if run.noisy_labels:
        wrong = torch.rand(samples) < run.noisy_labels
        y_train[wrong] = torch.randint(10, (int(wrong.sum()),))
    if run.shuffled_labels:
        y_train = y_train[torch.randperm(samples)]
    return x[first], y_train, x[rest], y[rest]


def network(run: Run, inputs: int) -> nn.Module:
    outputs = 1 if run.regression else 10
    if run.conv:
        layers: list[nn.Module] = [
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 16, outputs),
        ]  # fmt: skip
    else:
        layers = [
            nn.Linear(inputs, run.hidden), nn.ReLU(), nn.Dropout(run.dropout),
            nn.Linear(run.hidden, run.hidden), nn.ReLU(), nn.Linear(run.hidden, outputs),
        ]  # fmt: skip
    if run.softmax:
        layers.append(nn.Softmax(dim=1))
    model = nn.Sequential(*layers)
    if run.zero_weights:
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
    return model


def make_optimizer(run: Run, model: nn.Module) -> torch.optim.Optimizer:
    if run.optimizer == "adam":
        return torch.optim.AdamW(model.parameters(), lr=run.lr, weight_decay=run.weight_decay)
    return torch.optim.SGD(
        model.parameters(), lr=run.lr, momentum=run.momentum, weight_decay=run.weight_decay
    )


def loss_of(run: Run, output: Tensor, target: Tensor) -> Tensor:
    if run.regression:
        return F.mse_loss(output, target)
    if run.naive_loss:
        shares = output.exp() / output.exp().sum(1, keepdim=True)
        return -shares.log()[torch.arange(len(target)), target].mean()
    return F.cross_entropy(output, target, label_smoothing=run.smoothing)


def validation(run: Run, model: nn.Module, x: Tensor, y: Tensor) -> Record:
    model.eval()
    with torch.no_grad():
        output = model(x)
        record = {"val_loss": loss_of(run, output, y).item()}
        if not run.regression:
            record["val_accuracy"] = (output.argmax(1) == y).float().mean().item()
    return record


HEALTHY = {
    "healthy": Run(),
    "healthy_small_batch": Run(batch=4, lr=5e-4, epochs=5, log_every=8),
    "healthy_regression": Run(regression=True, epochs=25, lr=1e-3, dropout=0.2, hidden=16),
    "healthy_conv_sgd_cosine": Run(conv=True, optimizer="sgd", lr=0.02, cosine=True, epochs=8),
    "healthy_dropout_smoothing": Run(dropout=0.4, smoothing=0.1, epochs=20, log_every=8),
    "healthy_few_epochs": Run(conv=True, lr=2e-3, epochs=4, log_every=1),
}
SICK = {
    "rate_ten": Run(optimizer="sgd", lr=10.0, momentum=0.0, epochs=6),
    "rate_creeps_up": Run(optimizer="sgd", lr=0.02, decay=1.02, epochs=8),
    "rate_tiny": Run(lr=1e-6, epochs=12),
    "overfits": Run(samples=150, noisy_labels=0.2, hidden=256, epochs=80, log_every=4),
    "overflow": Run(naive_loss=True, input_scale=6.0, optimizer="sgd", lr=0.05, epochs=4),
    "softmax_twice": Run(softmax=True, lr=3e-3, epochs=30, log_every=10),
    "zero_weights": Run(zero_weights=True, epochs=6),
    "stopped_early": Run(optimizer="sgd", lr=0.01, momentum=0.0, epochs=4, log_every=1),
    "rate_dies": Run(optimizer="sgd", lr=0.05, momentum=0.0, decay=0.9, epochs=12),
}


def sparse_csv(records: list[Record], path: Path) -> None:
    """As Lightning's CSVLogger: empty cells where nothing was logged."""
    names = list(dict.fromkeys(name for record in records for name in record))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.5g}" for k, v in record.items()} for record in records)


def json_lines(records: list[Record], path: Path) -> None:
    path.write_text("".join(f"{json.dumps(rounded(record))}\n" for record in records))


def trainer_state(records: list[Record], path: Path) -> None:
    """As the Trainer of Transformers: loss, eval_loss, learning_rate."""
    new = {"train_loss": "loss", "val_loss": "eval_loss", "lr": "learning_rate",
           "val_accuracy": "eval_accuracy"}  # fmt: skip
    history = [{new.get(k, k): v for k, v in rounded(record).items()} for record in records]
    state: dict[str, Any] = {"best_metric": None, "global_step": history[-1]["step"]}
    state |= {"is_local_process_zero": True, "log_history": history, "max_steps": 528}
    state |= {"stateful_callbacks": {"TrainerControl": {"args": {"should_save": True}}}}
    path.write_text(json.dumps(state, indent=1))


def printed(records: list[Record], path: Path) -> None:
    """As the MNIST example of PyTorch prints."""
    lines = ["Loading data ... done in 0.31 s\n"]
    for record in records:
        if "train_loss" in record:
            lines.append(
                f"Train Epoch: {record['epoch'] + 1} [{(record['step'] - 1) % 44 * 32}/1400]"
                f"\tLoss: {record['train_loss']:.6f}\n"
            )
        else:
            right = record["val_accuracy"]
            lines.append(
                f"\nTest set: Average loss: {record['val_loss']:.4f}, Accuracy: "
                f"{round(right * 397)}/397 ({100 * right:.0f}%)\n\n"
            )
    path.write_text("".join(lines))


def rounded(record: Record) -> Record:
    return {k: v if isinstance(v, int) else float(f"{v:.5g}") for k, v in record.items()}


WRITERS: dict[str, tuple[str, Callable[[list[Record], Path], None]]] = {
    "healthy_dropout_smoothing": (".jsonl", json_lines),
    "healthy_few_epochs": ("_trainer_state.json", trainer_state),
    "overflow": (".jsonl", json_lines),
    "rate_ten": (".log", printed),
    "zero_weights": (".log", printed),
    "rate_tiny": ("_trainer_state.json", trainer_state),
}


def main() -> None:
    torch.set_num_threads(1)
    if "--events" in sys.argv:
        return events()
    for name, run in {**HEALTHY, **SICK}.items():
        suffix, write = WRITERS.get(name, (".csv", sparse_csv))
        write(list(train(run)), HERE / f"{name}{suffix}")
    printed(list(train(HEALTHY["healthy"])), HERE / "healthy_printed.log")


def events() -> None:
    """Write the healthy run as scalars, and again as tensors, as TensorFlow 2 does."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    with (HERE / "healthy.csv").open() as file:
        records = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    for folder, as_tensors in (("events", False), ("events_as_tensors", True)):
        halves = records[: len(records) // 2], records[len(records) // 2 :]
        for i, half in enumerate(halves):
            writer = EventFileWriter(str(HERE / folder), filename_suffix=f".{i}")
            for record in half:
                for name, value in record.items():
                    if name in ("epoch", "step"):
                        continue
                    event = Event(step=int(record["step"]), wall_time=record["step"])
                    if as_tensors:
                        event.summary.value.add(
                            tag=name,
                            tensor=make_tensor_proto(value, dtype="float32"),
                            metadata=metadata.create_summary_metadata("", ""),
                        )
                    else:
                        event.summary.value.add(tag=name, simple_value=value)
                    writer.add_event(event)
            writer.close()


if __name__ == "__main__":
    main()
