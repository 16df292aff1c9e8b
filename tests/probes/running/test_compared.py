"""What a user's step compares with is its target, whichever part of the batch that is."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.case.case import Case
from probes.running.examination import Examination


def _prepared(target: Any) -> Examination:
    torch.manual_seed(0)
    parts = [torch.randn(8, 3), torch.randint(2, (8,)), torch.randn(8, 1)]

    def step(model: nn.Module, batch: list[Tensor]) -> Tensor:
        return F.mse_loss(model(batch[0]), target(batch))

    exam = Examination(Case(nn.Linear(3, 1), [parts], step=step))
    exam.prepare()
    return exam


def test_the_part_that_the_loss_is_given_is_the_target() -> None:
    exam = _prepared(lambda batch: batch[2])
    assert exam.batch.target_tensor is exam.batch.raw[2]


def test_a_computed_target_is_no_part_of_the_batch() -> None:
    assert _prepared(lambda batch: batch[0].sum(1, keepdim=True)).batch.target_tensor is None


def test_a_target_that_follows_from_its_part_stays_that_part() -> None:
    exam = _prepared(lambda batch: 2.0 * batch[1][:, None] - 1)
    assert exam.batch.target_tensor is exam.batch.raw[1]
