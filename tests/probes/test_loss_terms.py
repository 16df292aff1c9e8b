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
