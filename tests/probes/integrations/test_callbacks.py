"""The frameworks' own ways in, each with the framework itself: the right finding, or silence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset


def data(bad: bool = False) -> TensorDataset:
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x[:, 0] > 0).long()
    if bad:
        x[200] = float("nan")
    return TensorDataset(x, y)


def network(*ending: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2), *ending)


def causes(diagnosis: Any) -> list[str]:
    return [finding.cause for finding in diagnosis.findings]


@pytest.mark.parametrize(
    ("ending", "found"), [((), []), ((nn.Softmax(dim=1),), ["double-softmax"])]
)
def test_lightning_fits_are_watched(ending: tuple[nn.Module, ...], found: list[str]) -> None:
    lightning = pytest.importorskip("lightning")
    from torchmedic import LightningCallback

    class Net(lightning.LightningModule):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = network(*ending)

        def training_step(self, batch: Any, _: int) -> Any:
            return cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.01)

    callback = LightningCallback(quiet=True)
    trainer = lightning.Trainer(
        max_epochs=6,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    for _ in range(2):  # several fits in one process
        trainer.fit(Net(), DataLoader(data(), batch_size=16, shuffle=True))
        assert causes(callback.diagnosis)[:1] == found
        trainer.fit_loop.epoch_progress.reset()


def test_transformers_training_is_watched_and_stopped(tmp_path: Any) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from torchmedic import TransformersCallback

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, x: Any, labels: Any) -> dict[str, Any]:
            logits = self.net(x)
            return {"loss": cross_entropy(logits, labels), "logits": logits}

    callback = TransformersCallback(quiet=True, stop_on_finding=True)
    rows = [{"x": x, "labels": y} for x, y in data(bad=True)]
    trainer = transformers.Trainer(
        model=Net(),
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path),
            num_train_epochs=5,
            report_to=[],
            use_cpu=True,
            per_device_train_batch_size=16,
            learning_rate=0.01,
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=rows,
        callbacks=[callback],
    )
    trainer.train()
    assert trainer.state.global_step <= 16
    assert callback.watching is not None
    assert "not finite" in (callback.watching.stopped or "")
    assert callback.diagnosis is not None
    assert "loss-not-finite" in [s.id for s in callback.diagnosis.symptoms] or causes(
        callback.diagnosis
    )


def test_ignite_runs_are_watched() -> None:
    pytest.importorskip("ignite")
    from ignite.engine import create_supervised_trainer

    from torchmedic import IgniteHandler

    model = network(nn.Softmax(dim=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())
    handler = IgniteHandler(quiet=True)
    handler.attach(trainer)
    trainer.run(DataLoader(data(), batch_size=16, shuffle=True), max_epochs=4)
    assert causes(handler.diagnosis)[:1] == ["double-softmax"]


def test_an_accelerate_tracker_watches_until_the_end() -> None:
    accelerate = pytest.importorskip("accelerate")
    from torchmedic import AccelerateTracker

    tracker = AccelerateTracker(quiet=True)
    accelerator = accelerate.Accelerator(cpu=True, log_with=tracker)
    accelerator.init_trackers("run")
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    loader = DataLoader(data(), batch_size=16, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for _ in range(3):
        for x, y in loader:
            loss = cross_entropy(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
            accelerator.log({"loss": 1.0})
    accelerator.end_training()
    assert causes(tracker.diagnosis)[:1] == ["missing-zero-grad"]
