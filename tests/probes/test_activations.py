from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.activations import PROBE
from tests.probes.observing import Composed, by_place, classes, facts

X, Y = classes(samples=64)
CE = nn.CrossEntropyLoss()


def _network(width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(12, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 5)
    )


def _facts(model: nn.Module, batches: list[Any] | None = None):
    return facts(PROBE, model, batches or [(X, Y)], CE)


def test_units_that_never_fire_are_counted_per_layer():
    model = _network()
    model[0].bias.data[:8] = -100.0
    seen = _facts(model)
    assert by_place(seen["activation.dead_share"])["1"] == pytest.approx(0.25)
    assert seen["activation.dead_share_max"].value == pytest.approx(0.25)
    assert _facts(_network())["activation.dead_share_max"].value <= 0.05


def test_functional_and_module_style_give_the_same_dead_units():
    model = _network()
    model[2].bias.data[:16] = -100.0
    functional = Composed(
        lambda m, x: m.n[4](torch.clamp(m.n[2](F.relu(m.n[0](x))), min=0)), n=model
    )
    expected = list(_facts(model)["activation.dead_share"].value)
    assert list(_facts(functional)["activation.dead_share"].value) == pytest.approx(expected)
    assert expected[1] >= 0.5


def test_a_channel_is_dead_only_if_it_is_zero_at_every_position():
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 8, 3)
    conv.bias.data[:2] = -100.0
    model = nn.Sequential(conv, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(8, 5))  # fmt: skip
    seen = _facts(model, [(torch.randn(16, 3, 9, 9), Y[:16])])
    assert seen["activation.dead_share"].value == pytest.approx((0.25,))


def test_units_that_live_in_later_batches_only_are_not_dead():
    torch.manual_seed(0)
    first, later = torch.zeros(8, 12), torch.zeros(8, 12)
    first[:, 0] = torch.rand(8) + 0.5
    later[:, 1] = torch.rand(8) + 0.5
    model = nn.Sequential(nn.Linear(12, 2, bias=False), nn.ReLU(), nn.Linear(2, 5))
    model[0].weight.data.zero_()
    model[0].weight.data[0, 0] = model[0].weight.data[1, 1] = 1.0
    assert _facts(model, [(first, Y[:8])])["activation.dead_share_max"].value == 0.5
    seen = _facts(model, [(first, Y[:8]), (later, Y[:8])])
    assert seen["activation.dead_share_max"].value == 0.0
    assert seen["activation.dead_samples"].value == 16


def test_looking_at_more_batches_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))
    model[1].bias.data[0] = -100.0
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    _facts(model, [(X, Y)] * 3)
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("function", [nn.Tanh(), torch.sigmoid, torch.tanh, nn.Sigmoid()])
def test_saturation_is_the_share_of_values_with_hardly_any_slope(function):
    model = Composed(lambda m, x: m.b(function(m.a(x))), a=nn.Linear(12, 32), b=nn.Linear(32, 5))
    assert _facts(model)["activation.saturated_share"].value[0] < 0.05
    model.a.weight.data *= 500
    assert _facts(model)["activation.saturated_share"].value[0] > 0.9


def test_attention_is_no_activation_layer():
    layer = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True, activation="gelu")
    model = Composed(lambda m, x: m.h(m.t(x[:, None])[:, 0]), t=layer, h=nn.Linear(12, 5))
    seen = _facts(model)
    assert set(seen["activation.kind"].value) == {"gelu"}
    assert "activation.saturated_share" not in seen


def test_scale_and_growth_follow_the_weights():
    torch.manual_seed(0)
    layers = [nn.Linear(64, 64, bias=False) for _ in range(6)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain=2.0)
    model = nn.Sequential(*layers, nn.Linear(64, 5))
    seen = facts(PROBE, model, [(torch.randn(64, 64), Y)], CE)
    assert seen["activation.growth"].value == pytest.approx(2.0, rel=1e-3)
    assert seen["activation.std"].value[0] == pytest.approx(2.0, rel=0.05)


def test_the_first_layer_with_nonfinite_values_is_named():
    model = Composed(
        lambda m, x: m.c(torch.log(m.b(m.a(x)))),
        a=nn.Linear(12, 8),
        b=nn.Linear(8, 8),
        c=nn.Linear(8, 5),
    )
    seen = by_place(_facts(model)["activation.nonfinite"])
    assert seen == {"a": False, "b": False, "c": True}


def test_an_unrolled_network_gives_one_entry_per_call():
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        for _ in range(3):
            h = torch.tanh(m.u(h))
        return m.b(h)

    model = Composed(forward, a=nn.Linear(12, 8), u=nn.Linear(8, 8), b=nn.Linear(8, 5))
    seen = _facts(model)
    assert seen["activation.std"].where == ("a", "u", "u#2", "u#3", "b")
    assert seen["activation.kind"].where == ("model:tanh", "model:tanh#2", "model:tanh#3")
