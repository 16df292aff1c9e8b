"""What tests of probes share: the facts that one probe gives about a model and a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from expert.observation import Observation
from probes.case.case import Case
from probes.probe import Probe
from probes.running.examination import Examination


class Composed(nn.Module):
    """A model whose forward is a function of itself: any style of writing it, in one line."""

    def __init__(self, forward: Callable[..., Any], **members: Any) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)
        self._run = forward

    def forward(self, *args: Any) -> Any:
        return self._run(self, *args)


def examination(
    model: nn.Module, batches: list[Any], loss_fn: Any = None, **more: Any
) -> Examination:
    return Examination(Case(model=model, train_loader=batches, loss_fn=loss_fn, **more))


def facts(
    probe: Probe, model: nn.Module, batches: list[Any], loss_fn: Any = None, **more: Any
) -> dict[str, Observation]:
    exam = examination(model, batches, loss_fn, **more)
    found = {seen.name: seen for seen in probe.measure(exam)}
    assert set(found) <= set(probe.provides)
    assert not exam.recording.failures
    return found


def by_place(seen: Observation) -> dict[str, Any]:
    assert isinstance(seen.value, tuple)
    return dict(zip(seen.where, seen.value, strict=True))


def classes(samples: int = 32, features: int = 12, count: int = 5) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(samples, features), torch.arange(samples) % count
