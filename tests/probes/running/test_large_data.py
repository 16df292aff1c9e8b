"""A data set of ten million samples is sampled, never read: its reads are counted."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from probes.case.case import Case
from probes.quantities.unread import ITEMS
from probes.registry import PROBES
from probes.running.events import ProbeEnded
from probes.running.run import CHEAP, run_probes

SAMPLES = 10**7
MOST_READS = 3 * 10**4  # of all probes together: three thousandths
# Modules are not put back: a count in one goes on through all restores.
counted = ModuleType("counted")
counted.reads = itertools.count()  # type: ignore[attr-defined]


class Large(Dataset[tuple[Tensor, int]]):
    """Samples that are made when they are asked for."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        next(counted.reads)
        label = index * 7919 % 3
        x = torch.full((8,), 0.1 * (index % 17))
        x[label] += 2.0
        return x, label


def examined(shuffle: bool, **options: Any) -> tuple[int, list[ProbeEnded]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    case = Case(
        model=model,
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-2),
        train_loader=DataLoader(Large(), 32, shuffle=shuffle),
        val_loader=DataLoader(Large(), 32),
        epochs=2,
    )
    before = next(counted.reads)
    ended: list[Any] = []
    run_probes(case, on_event=ended.append, **options)
    probes = [event for event in ended if isinstance(event, ProbeEnded)]
    return next(counted.reads) - before - 1, probes


def test_cheap_probes_read_a_few_batches_and_look_for_nan_in_a_thousandth() -> None:
    cheap = [probe for probe in PROBES if probe.cost <= CHEAP]
    count, ended = examined(shuffle=False, probes=cheap)
    assert 0 < count <= 3000 + ITEMS  # batches, and the look for NaN all over the set
    assert [event.id for event in ended if event.status == "failed"] == []


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", [False, True])
def test_no_probe_reads_the_whole_set(shuffle: bool) -> None:
    count, ended = examined(shuffle, budget_s=60)
    assert 0 < count <= MOST_READS
    assert [event.id for event in ended if event.status == "failed"] == []
