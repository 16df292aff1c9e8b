"""A loss function that raises is a symptom: what needs no loss is examined all the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from probes import Case, run_probes
from probes.running.events import LossRefused, ProbeEnded


def examined(loss_fn: Any, target: torch.Tensor) -> tuple[dict[str, Any], list[Any]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    case = Case(
        model=model,
        loss_fn=loss_fn,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        train_loader=[(torch.randn(12, 4), target)],
    )
    events: list[Any] = []
    facts = {seen.name: seen.value for seen in run_probes(case, on_event=events.append)}
    return facts, events


def test_labels_outside_the_outputs_are_measured_although_the_loss_raises() -> None:
    facts, events = examined(nn.CrossEntropyLoss(), torch.arange(12) % 4)
    assert facts["loss.raises"] is True
    assert facts["target.outside_outputs_share"] == 0.25
    assert facts["loss.function"] == "cross_entropy"
    refusals = [event for event in events if isinstance(event, LossRefused)]
    assert "out of bounds" in refusals[0].error.text.en


def test_probes_that_need_the_loss_are_skipped_with_that_reason() -> None:
    _, events = examined(nn.BCELoss(), torch.rand(12, 3))
    ended = {event.id: event for event in events if isinstance(event, ProbeEnded)}
    for probe in ("gradients", "updates", "learning_rate", "own_rate", "overfit"):
        assert ended[probe].status == "skipped"
        assert "loss function raised" in ended[probe].reason.en
    assert all(event.status != "failed" for event in ended.values())


def test_a_loss_that_works_is_no_refusal() -> None:
    facts, events = examined(nn.CrossEntropyLoss(), torch.arange(12) % 3)
    assert facts["loss.raises"] is False
    assert not any(isinstance(event, LossRefused) for event in events)
