from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.gradients import PROBE
from tests.probes.observing import Composed, by_place, classes, facts

X, Y = classes(samples=64, features=32)
CE = nn.CrossEntropyLoss()


def _facts(model: nn.Module, x: Tensor = X, **more: Any):
    return facts(PROBE, model, [(x, Y[: len(x)])], CE, **more)


def _chain(activation: type[nn.Module], depth: int, gain: float) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(32, 32), activation()]
        nn.init.normal_(layers[-2].weight, std=gain / 32**0.5)
    return nn.Sequential(*layers, nn.Linear(32, 5))


def test_vanishing_and_exploding_gradients_are_told_from_healthy_ones():
    vanishing = _facts(_chain(nn.Sigmoid, 10, 1.0))
    assert vanishing["gradient.decay"].value < 0.4
    assert vanishing["gradient.first_over_last"].value < 1e-3
    exploding = _facts(_chain(nn.Tanh, 20, 6.0))
    assert exploding["gradient.decay"].value > 1.5
    for depth in (3, 10, 20):
        healthy = _facts(_chain(nn.ReLU, depth, 2**0.5))
        assert 0.6 < healthy["gradient.decay"].value < 1.6


def test_decay_does_not_depend_on_the_scale_of_the_loss():
    model = _chain(nn.ReLU, 6, 2**0.5)
    plain = _facts(model)["gradient.decay"].value
    scaled = facts(PROBE, model, [(X, Y)], lambda p, y: 1e4 * F.cross_entropy(p, y))
    assert scaled["gradient.decay"].value == pytest.approx(plain, rel=1e-3)


class Residual(nn.Module):
    def __init__(self, channels: int, zero: bool) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in "ab")
        self.n, self.m = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        if zero:
            nn.init.zeros_(self.m.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.m(self.b(F.relu(self.n(self.a(x))))))


def _resnet(zero: bool) -> nn.Module:
    torch.manual_seed(0)
    blocks = [Residual(8, zero) for _ in range(6)]
    return nn.Sequential(nn.Conv2d(3, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(8, 5))  # fmt: skip


def _transformer() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return Composed(
        lambda m, x: m.h(m.t(m.e(x.view(-1, 4, 8))).mean(1)),
        e=nn.Linear(8, 16),
        t=nn.TransformerEncoder(layer, 4),
        h=nn.Linear(16, 5),
    )


@pytest.mark.parametrize("zero", [False, True])
def test_residual_networks_do_not_vanish_even_with_branches_that_start_at_zero(zero):
    seen = _facts(_resnet(zero), torch.randn(16, 3, 8, 8))
    decay = seen.get("gradient.decay")
    assert decay is None or 0.7 < decay.value < 1.4


def test_transformers_do_not_vanish():
    assert 0.7 < _facts(_transformer())["gradient.decay"].value < 1.4


def test_normalisation_and_embedding_weights_are_no_weight_layers():
    tokens = torch.randint(0, 9, (16, 4))
    model = Composed(
        lambda m, x: m.b(F.relu(m.n(m.a(m.e(x).mean(1))))),
        e=nn.Embedding(9, 8), a=nn.Linear(8, 8), n=nn.LayerNorm(8), b=nn.Linear(8, 5),
    )  # fmt: skip
    assert _facts(model, tokens)["gradient.rms"].where == ("a", "b")


def test_rms_and_relative_size_are_those_of_the_layer():
    model = _chain(nn.Tanh, 2, 1.0)
    seen = _facts(model)
    CE(model(X), Y).backward()
    weight = model[0].weight
    rms = weight.grad.square().mean().sqrt().item()
    assert by_place(seen["gradient.rms"])["0"] == pytest.approx(rms, rel=1e-4)
    relative = (weight.grad.norm() / weight.norm()).item()
    assert by_place(seen["gradient.relative"])["0"] == pytest.approx(relative, rel=1e-4)
    total = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert seen["gradient.norm"].value == pytest.approx(total, rel=1e-4)


def test_parameters_without_a_gradient_and_with_a_zero_one_are_told_apart():
    model = Composed(
        lambda m, x: m.c(F.relu(m.a(x) - 1e4)) + m.b(x.detach()).detach(),
        a=nn.Linear(32, 8), b=nn.Linear(32, 5), c=nn.Linear(8, 5),
    )  # fmt: skip
    seen = _facts(model)
    missing, zero = by_place(seen["gradient.missing"]), by_place(seen["gradient.zero"])
    assert {name for name, flag in missing.items() if flag} == {"b.weight", "b.bias"}
    assert {name for name, flag in zero.items() if flag} == {"a.weight", "a.bias", "c.weight"}
    assert seen["gradient.missing_share"].value == pytest.approx(2 / 6)


def test_frozen_parameters_are_not_asked_for_gradients():
    model = _chain(nn.ReLU, 2, 1.0)
    model[0].requires_grad_(False)
    seen = _facts(model)
    assert "0.weight" not in seen["gradient.missing"].where
    assert not any(seen["gradient.missing"].value)


def test_nonfinite_gradients_are_named():
    model = _chain(nn.ReLU, 2, 1.0)
    seen = facts(PROBE, model, [(X, Y)], lambda p, y: p.sum() * float("inf"))
    assert seen["gradient.any_nonfinite"].value is True
    assert not any(_facts(model)["gradient.nonfinite"].value)


def test_gradients_below_the_range_of_squares_are_not_taken_for_zero():
    seen = facts(PROBE, _chain(nn.ReLU, 3, 1.0), [(X, Y)], lambda p, y: 1e-30 * p.sum())
    assert not any(seen["gradient.zero"].value)


def test_nothing_is_said_where_the_loss_has_no_graph():
    model = Composed(lambda m, x: m.a(x).detach(), a=nn.Linear(32, 5))
    assert _facts(model) == {}


def test_growth_per_layer_is_found_in_spite_of_an_outlier():
    from probes.quantities.trend import factor_per_layer

    values = [3.0**depth for depth in range(9)]
    values[4] *= 1000
    assert factor_per_layer(range(9), values) == pytest.approx(3.0)
    assert factor_per_layer([0, 1], [1.0, 2.0]) is None
    assert factor_per_layer([0, 1, 2], [1.0, 0.0, float("nan")]) is None
