from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.last_activation import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes()
T = torch.randn(32, 3)


def _facts(last: Any, target: Tensor = T, loss_fn: Any = F.mse_loss, outputs: int = 3):
    torch.manual_seed(0)
    model = Composed(lambda m, x: last(m.a(x)), a=nn.Linear(12, outputs))
    return facts(PROBE, model, [(X, target)], loss_fn)


STYLES = {
    "relu": [F.relu, nn.ReLU(), nn.ReLU(inplace=True), lambda h: h.clamp(min=0), torch.relu_],
    "sigmoid": [torch.sigmoid, nn.Sigmoid(), lambda h: h.sigmoid(), F.sigmoid],
    "tanh": [torch.tanh, nn.Tanh(), lambda h: h.tanh()],
    "softmax": [nn.Softmax(1), lambda h: h.softmax(-1), lambda h: F.softmax(h, dim=1)],
    "log_softmax": [nn.LogSoftmax(1), lambda h: F.log_softmax(h, dim=-1)],
    "relu6": [nn.ReLU6(), lambda h: h.clamp(0, 6)],
    "clamp": [lambda h: h.clamp(-1, 1), lambda h: torch.clip(h, -1, 1)],
    "none": [nn.Identity(), lambda h: h * 2, lambda h: torch.sigmoid(h) * 255 - 1],
}


@pytest.mark.parametrize(
    ("name", "last"), [(name, last) for name, styles in STYLES.items() for last in styles]
)
def test_the_last_activation_is_seen_however_it_is_written_and_reshaped(name, last):
    assert _facts(last)["output.last_activation"].value == name
    wrapped = _facts(lambda h: last(h).unsqueeze(0).to(torch.float64).float()[0].view(32, 3))
    assert wrapped["output.last_activation"].value == name


@pytest.mark.parametrize("last", [torch.sigmoid, nn.Softmax(1), F.relu])
def test_without_a_graph_the_observed_functions_tell(last):
    with_graph = _facts(last)["output.last_activation"].value
    assert _facts(lambda h: last(h.detach())[:, :])["output.last_activation"].value == with_graph


def test_targets_outside_the_reachable_range_are_counted():
    assert _facts(torch.sigmoid)["output.target_outside_share"].value > 0.5
    share = (-0.01 * T.std(correction=0) > T).float().mean().item()
    assert _facts(F.relu)["output.target_outside_share"].value == pytest.approx(share)
    assert _facts(torch.sigmoid, T.sigmoid())["output.target_outside_share"].value == 0.0
    assert "output.target_outside_share" not in _facts(nn.Identity())


def test_a_scaled_sigmoid_has_no_range_of_its_own():
    seen = _facts(lambda h: torch.sigmoid(h) * 4 - 2)
    assert "output.range_low" not in seen
    assert "output.target_outside_share" not in seen


def test_classification_targets_have_no_scale_to_compare():
    seen = _facts(nn.Identity(), Y, F.cross_entropy, outputs=5)
    assert seen["output.count"].value == 5
    assert "target.scale_over_output" not in seen


def test_class_axis_of_a_segmentation_output_is_the_second():
    model = nn.Conv2d(3, 4, 3, padding=1)
    batch = (torch.randn(2, 3, 8, 8), torch.randint(0, 4, (2, 8, 8)))
    assert facts(PROBE, model, [batch], F.cross_entropy)["output.count"].value == 4


def test_target_scale_and_offset_are_relative_to_the_output():
    target = 1000 + 100 * T
    seen = _facts(nn.Identity(), target)
    std = seen["output.std"].value
    expected = target.std(correction=0).item() / std
    assert seen["target.scale_over_output"].value == pytest.approx(expected, rel=1e-3)
    assert seen["target.offset_over_output"].value > seen["target.scale_over_output"].value


def test_an_output_that_ignores_its_input_does_not_vary():
    assert _facts(lambda h: 0 * h + 1)["output.varies_with_input"].value == 0.0
    noisy = _facts(lambda h: F.dropout(0 * h + 1, training=True))
    assert noisy["output.varies_with_input"].value >= 0.0
    model = Composed(lambda m, x: m.b(m.d(torch.ones_like(x))), d=nn.Dropout(), b=nn.Linear(12, 3))
    seen = facts(PROBE, model, [(X, T)], F.mse_loss)
    assert seen["output.varies_with_input"].value == 0.0
    assert _facts(nn.Identity())["output.varies_with_input"].value > 0.1
