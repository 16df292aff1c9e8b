from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from probes.initialisation import PROBE
from tests.probes.observing import Composed, by_place, classes, facts

X, Y = classes(features=64)
IMAGES = torch.randn(8, 3, 16, 16)
CE = nn.CrossEntropyLoss()


def _ratios(model: nn.Module, x: torch.Tensor = X) -> dict[str, float]:
    seen = facts(PROBE, model, [(x, Y[: len(x)])], CE)
    return by_place(seen["weight.std_over_expected"])


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 5))


@pytest.mark.parametrize(
    "init",
    [
        lambda w: None,
        nn.init.kaiming_normal_,
        nn.init.kaiming_uniform_,
        nn.init.xavier_normal_,
        nn.init.xavier_uniform_,
        nn.init.orthogonal_,
        lambda w: nn.init.normal_(w, 0.0, w.shape[1] ** -0.5),
    ],
)
def test_usual_initialisations_are_within_the_band(init):
    model = _network()
    for layer in (model[0], model[2]):
        init(layer.weight)
    assert set(_ratios(model).values()) == {1.0}


def test_convolutions_count_their_receptive_field_either_way():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3, groups=32), nn.ReLU(),
        nn.ConvTranspose2d(32, 8, 2, 2), nn.ReLU(), nn.Conv2d(8, 5, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    assert set(_ratios(model, IMAGES).values()) == {1.0}
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    assert set(_ratios(model, IMAGES).values()) == {1.0}


def test_plain_normal_weights_are_too_large_and_tiny_ones_too_small():
    model = _network()
    nn.init.normal_(model[0].weight)
    nn.init.normal_(model[2].weight, std=1e-3)
    ratios = _ratios(model)
    assert ratios["0"] == pytest.approx((64 / 2) ** 0.5, rel=0.05)  # 1 over He's sqrt(2/64)
    assert ratios["2"] == pytest.approx(1e-3 * (3 * 128) ** 0.5, rel=0.15)  # over 1/sqrt(3 * 128)


def test_few_weights_may_deviate_by_chance():
    for seed in range(30):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        assert set(facts(PROBE, model, [torch.randn(8, 2)], lambda p, t: p.mean())
                   ["weight.std_over_expected"].value) == {1.0}  # fmt: skip


def test_functional_and_module_style_give_the_same_ratios():
    modules = _network()
    nn.init.normal_(modules[0].weight)
    functional = Composed(
        lambda m, x: torch.relu(x @ m.a) @ m.b,
        a=nn.Parameter(modules[0].weight.detach().T.clone()),
        b=nn.Parameter(modules[2].weight.detach().T.clone()),
    )
    assert list(_ratios(functional).values()) == pytest.approx(list(_ratios(modules).values()))


def test_weight_norm_is_measured_as_the_layer_uses_it():
    model = _network()
    nn.utils.parametrizations.weight_norm(model[0])
    assert _ratios(model) == {"0": 1.0, "2": 1.0}


def test_constant_and_symmetric_weights_are_told_apart():
    model = _network()
    nn.init.constant_(model[0].weight, 0.1)
    model[2].weight.data.copy_(torch.randn(1, 128).expand(5, 128))
    seen = facts(PROBE, model, [(X, Y)], CE)
    assert seen["weight.constant"].value == (True, False)
    assert seen["weight.symmetric"].value == (True, True)
    healthy = facts(PROBE, _network(), [(X, Y)], CE)
    assert healthy["weight.symmetric"].value == (False, False)


def test_a_single_output_unit_is_not_symmetric():
    model = nn.Linear(64, 1)
    seen = facts(PROBE, model, [X], lambda p, t: p.mean())
    assert seen["weight.symmetric"].value == (False,)


def test_nonfinite_weights_and_large_biases_are_seen():
    model = _network()
    model[0].weight.data[0, 0] = float("nan")
    model[2].bias.data[1] = -30.0
    seen = facts(PROBE, model, [(X, Y)], CE)
    assert seen["weight.nonfinite"].value == (True, False)
    assert by_place(seen["bias.max_abs"])["2"] == 30.0


def test_embeddings_are_no_weight_layers_even_when_tied_to_the_output():
    tokens = torch.randint(0, 20, (32, 1))
    model = Composed(
        lambda m, x: m.head(torch.tanh(m.mid(m.e(x[:, 0])))),
        e=nn.Embedding(20, 64),
        mid=nn.Linear(64, 64),
        head=nn.Linear(64, 20, bias=False),
    )
    model.head.weight = model.e.weight
    assert _ratios(model, tokens) == {"mid": 1.0}


def test_recurrent_layers_are_within_the_band():
    torch.manual_seed(0)
    model = Composed(
        lambda m, x: m.head(m.r(x.view(-1, 8, 8))[0][:, -1]),
        r=nn.LSTM(8, 32, 2, batch_first=True),
        head=nn.Linear(32, 5),
    )
    assert set(_ratios(model).values()) == {1.0}


def _frozen_share(model: nn.Module) -> Any:
    model[0].requires_grad_(False)
    seen = facts(PROBE, model, [(X, Y)], CE)
    return seen["parameters.frozen_untrained_share"].value


def _pair() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 5))


@pytest.mark.parametrize("fill", [lambda w: w, nn.init.xavier_uniform_, nn.init.kaiming_normal_])
def test_frozen_weights_as_an_initialisation_left_them_are_told(fill: Any):
    model = _pair()
    fill(model[0].weight)
    assert _frozen_share(model) == 1


def test_frozen_weights_that_were_trained_are_not_fresh():
    model = _pair()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(model(X), Y).backward()
        optimizer.step()
    assert _frozen_share(model) == 0
