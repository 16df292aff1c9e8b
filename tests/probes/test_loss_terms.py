from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.loss_terms import PROBE
from tests.probes.observing import by_place, classes, facts

X, Y = classes(64)
Joined = Callable[[Tensor, Tensor], Tensor]


class _TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.code, self.head, self.image = nn.Linear(12, 16), nn.Linear(16, 5), nn.Linear(16, 12)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.code(x).relu()
        return self.head(code), self.image(code)


def _facts(join: Joined):
    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        logits, image = model(batch[0])
        return join(F.cross_entropy(logits, batch[1]), F.mse_loss(image, batch[0]))

    torch.manual_seed(0)
    model = _TwoHeads()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    return facts(PROBE, model, [(X, Y)], step=step, optimizer=optimizer)


SUMS: list[Joined] = [
    lambda a, b: a + 1000 * b,
    lambda a, b: torch.stack([a, 1000 * b]).sum(),
    lambda a, b: sum([a, 1000 * b]),  # type: ignore[return-value]
    lambda a, b: 1000 * (b + a / 1000),
]


@pytest.mark.parametrize("join", SUMS)
def test_terms_are_found_however_they_are_added(join: Joined):
    seen = _facts(join)
    pulls = by_place(seen["loss.term_gradient"])
    assert set(pulls) == {"cross_entropy", "mse_loss"}
    assert seen["loss.weakest_term"].value == "cross_entropy"
    ratio = pulls["mse_loss"] / pulls["cross_entropy"]
    assert seen["loss.term_gradient_ratio"].value == pytest.approx(ratio)
    assert ratio > 100


def test_a_term_without_targets_may_be_small():
    seen = _facts(lambda a, b: a + 1e-6 * b)
    assert seen["loss.weakest_term"].value == "cross_entropy"
    assert seen["loss.term_gradient_ratio"].value == 1


def test_a_drowned_term_stays_while_the_sum_falls():
    seen = _facts(lambda a, b: a + 1000 * b)
    assert seen["loss.sum_drop"].value > 0.1
    assert seen["loss.weakest_term_drop"].value < 0.05


def test_a_penalty_over_many_parameters_is_one_term():
    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[0])[0], batch[1]) + 0.1 * sum(
            p.abs().sum() for p in model.parameters()
        )

    seen = facts(PROBE, _TwoHeads(), [(X, Y)], step=step)
    assert seen["loss.term_value"].where == ("cross_entropy", "abs x6")


def test_what_a_loss_adds_up_inside_is_one_term():
    seen = facts(PROBE, nn.Linear(12, 5), [(X, Y)], lambda p, y: (p.exp() + p.square()).mean())
    assert seen["loss.term_count"].value == 1


class _Drawing(nn.Module):
    """A variational autoencoder of two rows of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.image = nn.Linear(12, 8), nn.Linear(4, 12)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.code(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.image(code), mean, log_variance


@pytest.mark.parametrize("weight", [0.01, 300.0])
def test_where_inputs_are_their_own_targets_the_term_that_asks_for_answers_is_known(weight: float):
    def step(model: nn.Module, batch: tuple[Tensor]) -> Tensor:
        image, mean, log_variance = model(batch[0])
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return F.mse_loss(image, batch[0]) + weight * divergence

    torch.manual_seed(0)
    model = _Drawing()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    seen = facts(PROBE, model, [(3 * X,)], step=step, optimizer=optimizer)
    assert seen["loss.weakest_term"].value == "mse_loss"
    if weight < 1:
        assert seen["loss.term_gradient_ratio"].value == 1
    else:
        assert seen["loss.term_gradient_ratio"].value > 50
        assert abs(seen["loss.weakest_term_heeds_input"].value) < 0.05


def test_a_weak_term_that_is_learnt_all_the_same_heeds_its_input():
    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        far = 1000 * (model.code.bias - 1).square().sum()
        return F.cross_entropy(model(batch[0])[0], batch[1]) + far

    torch.manual_seed(0)
    model = _TwoHeads()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    seen = facts(PROBE, model, [(X, Y)], step=step, optimizer=optimizer)
    assert seen["loss.weakest_term_heeds_input"].value > 0.02
