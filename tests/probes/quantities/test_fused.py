"""Fused norms: right for every kind of tensor there is among parameters and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from probes.quantities.fused import norms

ROW = torch.tensor([3.0, 0.0, 4.0])
KINDS = {
    "float32": ROW,
    "bfloat16": ROW.bfloat16(),
    "float16": ROW.half(),
    "float64": ROW.double(),
    "complex": torch.complex(torch.tensor([3.0]), torch.tensor([4.0])),
    "conjugated": torch.complex(torch.tensor([3.0]), torch.tensor([4.0])).conj(),
    "sparse": ROW.reshape(1, 3).to_sparse(),
    "transposed": torch.tensor([[3.0, 0.0], [0.0, 4.0]]).T,
    "a single number": torch.tensor(5.0),
    "wanting a gradient": ROW.clone().requires_grad_(),
}


def test_every_kind_has_its_norm_in_its_place() -> None:
    tensors = [part for tensor in KINDS.values() for part in (tensor, torch.empty(0))]
    found = norms(tensors)
    assert found[1::2] == [0.0] * len(KINDS)
    assert dict(zip(KINDS, found[::2], strict=True)) == dict.fromkeys(KINDS, 5.0)


def test_nothing_at_all_has_no_norms() -> None:
    assert norms([]) == []


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e20, 1e30])
def test_squares_may_leave_the_range_of_the_type(size: float) -> None:
    assert norms([ROW * size, torch.zeros(4)]) == [pytest.approx(5 * size), 0.0]


def test_what_is_not_finite_shows() -> None:
    def of(*values: float) -> Tensor:
        return torch.tensor(values)

    first, second, third = norms([of(1.0, math.nan), of(math.inf, 1.0), of(3.0, 4.0)])
    assert math.isnan(first)
    assert second == math.inf
    assert third == 5.0
