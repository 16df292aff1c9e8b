"""The gradient of a layer of the user's own is compared with differences of its forward."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.custom_modules import PROBE
from tests.probes.observing import by_place, classes, facts

X, Y = classes()


class Own(nn.Module):
    """A layer that somebody wrote."""

    def __init__(self, run: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 12) / 4)
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.weight)


def _facts(run: Callable[[Tensor, Tensor], Tensor]):
    torch.manual_seed(0)
    return facts(
        PROBE, nn.Sequential(Own(run), nn.ReLU(), nn.Linear(16, 5)), [(X, Y)], F.cross_entropy
    )


def _unit(x: Tensor, w: Tensor) -> Tensor:
    return x @ (w / w.norm(dim=1, keepdim=True)).T


SOUND = {
    "linear": lambda x, w: x @ w.T,
    "with kinks": lambda x, w: F.relu(x @ w.T) + (x @ w.T).abs(),
    "normalised weights": _unit,
    "dropout": lambda x, w: F.dropout(x @ w.T, 0.5),
    "softmax less its maximum": lambda x, w: (
        (x @ w.T) - (x @ w.T).amax(1, keepdim=True).detach()
    ).softmax(1),
    "straight through": lambda x, w: (h := x @ w.T) + (h.round() - h).detach(),
    "values normalised one by one, to nothing": lambda x, w: F.group_norm(x @ w.T, 16) + w[:, 0],
    "a factor of zero": lambda x, w: 0 * (x @ w.T) + x[:, :1],
}
HALF_CUT = {
    "norm detached": lambda x, w: (h := x @ w.T) / h.norm(dim=1, keepdim=True).detach(),
    "gate detached": lambda x, w: (h := x @ w.T) * h.detach().sigmoid(),
    "gate by data": lambda x, w: (h := x @ w.T) * h.data.sigmoid(),
}


@pytest.mark.parametrize("run", SOUND.values(), ids=SOUND)
def test_a_sound_layer_agrees(run: Callable[[Tensor, Tensor], Tensor]) -> None:
    seen = _facts(run)
    assert seen["gradient_check.modules"].value == 1
    errors = by_place(seen["gradient_check.module_error"]) if len(seen) > 1 else {}
    assert all(error < 1e-4 for error in errors.values())


@pytest.mark.parametrize("run", HALF_CUT.values(), ids=HALF_CUT)
def test_a_way_that_is_left_out_of_the_graph_is_seen(
    run: Callable[[Tensor, Tensor], Tensor],
) -> None:
    errors = by_place(_facts(run)["gradient_check.module_error"])
    assert errors["0 (Own, inputs)"] > 0.03
    assert errors["0 (Own, parameters)"] > 0.03


def test_layers_of_libraries_are_believed() -> None:
    seen = facts(PROBE, nn.Sequential(nn.Linear(12, 5)), [(X, Y)], F.cross_entropy)
    assert {name: o.value for name, o in seen.items()} == {"gradient_check.modules": 0}


def test_one_of_each_kind_is_checked_and_left_as_it_was() -> None:
    torch.manual_seed(0)

    def square(x: Tensor, w: Tensor) -> Tensor:
        return torch.tanh(x @ w.T @ w)

    model = nn.Sequential(Own(square), Own(square), nn.Linear(12, 5))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    seen = facts(PROBE, model, [(X, Y)], F.cross_entropy)
    assert set(seen["gradient_check.module_error"].where) == {
        "0 (Own, inputs)",
        "0 (Own, parameters)",
    }
    assert all(map(torch.equal, before, model.parameters()))
    assert all(p.dtype == torch.float32 and p.requires_grad for p in model.parameters())


def test_a_large_module_is_not_copied() -> None:
    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2**21 + 1))
            self.head = nn.Linear(12, 5)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(x + self.weight[0])
            return out

    seen = facts(PROBE, Large(), [(X, Y)], F.cross_entropy)
    assert seen["gradient_check.modules"].value == 0


def test_a_maximum_of_equal_values_is_no_mistake() -> None:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4 * 3 * 3, 5)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(F.max_pool2d(self.conv(x), 2).flatten(1))
            return out

    torch.manual_seed(0)
    images = torch.zeros(32, 1, 8, 8)
    images[:, :, 3:5, 3:5] = torch.rand(32, 1, 2, 2)
    seen = facts(PROBE, Pooled(), [(images, Y)], F.cross_entropy)
    assert max(by_place(seen["gradient_check.module_error"]).values()) < 1e-4


def test_a_rectifier_that_stands_on_its_kink_is_no_mistake() -> None:
    class OnZero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.norm = nn.Linear(12, 16), nn.GroupNorm(16, 16)  # every value: 0
            self.head = nn.Linear(16, 5)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(F.relu(self.norm(self.hidden(x))))
            return out

    torch.manual_seed(0)
    seen = facts(PROBE, OnZero(), [(X, Y)], F.cross_entropy)
    assert max(by_place(seen["gradient_check.module_error"]).values()) < 1e-4
