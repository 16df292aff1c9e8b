from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.gradient_flow import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes()


def _facts(between: Any, **more: Any):
    torch.manual_seed(0)
    model = Composed(lambda m, x: m.b(between(m.a(x))), a=nn.Linear(12, 16), b=nn.Linear(16, 5))
    more.setdefault("loss_fn", F.cross_entropy)
    return facts(PROBE, model, [(X, Y)], **more)


@pytest.mark.parametrize(
    ("between", "name"),
    [
        (lambda h: torch.round(torch.sigmoid(h)), "round"),
        (lambda h: (h > 0).float(), "gt"),
        (lambda h: F.one_hot(h.argmax(1), 16).float(), "argmax"),
        (lambda h: h.clamp(50.0, 60.0), "clamp"),
        (lambda h: torch.sign(h), "sign"),
    ],
)
def test_a_flat_operation_is_named(between: Any, name: str):
    seen = _facts(between)
    assert seen["model.zero_gradient_ops"].where == (f"model:{name}",)
    assert seen["model.graph_cut_count"].value == 0


def _without_grad(h: Tensor) -> Tensor:
    with torch.no_grad():
        return h * 2


@pytest.mark.parametrize(
    "between",
    [
        lambda h: h.detach(),
        lambda h: h.data,
        lambda h: torch.from_numpy(h.detach().numpy()),
        lambda h: torch.tensor(h.tolist()),
        _without_grad,
    ],
    ids=["detach", "data", "numpy", "list", "no_grad"],
)
def test_a_cut_is_told_from_a_flat_operation(between: Any):
    seen = _facts(between)
    assert seen["model.graph_cut_count"].value >= 1
    assert seen["model.zero_gradient_op_count"].value == 0


@pytest.mark.parametrize(
    "between",
    [
        lambda h: h * (h > 0),
        lambda h: h.sigmoid() + (h.sigmoid().round() - h.sigmoid()).detach(),
        lambda h: h / h.norm().detach(),
        lambda h: h.clamp(-5.0, 5.0),
        lambda h: h / float(h.abs().max()),
    ],
    ids=["mask", "straight-through", "detached scale", "clamp", "exported scale"],
)
def test_an_operation_that_gradients_pass_by_is_not_to_blame(between: Any):
    seen = _facts(between)
    assert seen["model.zero_gradient_op_count"].value == 0
    assert seen["model.graph_cut_count"].value == 0


def test_an_accuracy_beside_the_loss_is_not_to_blame():
    def step(model: nn.Module, batch: Any) -> Tensor:
        logits = model(batch[0])
        (logits.argmax(1) == batch[1]).float().mean().item()
        return F.cross_entropy(logits, batch[1])

    seen = _facts(torch.relu, loss_fn=None, step=step)
    assert seen["model.zero_gradient_op_count"].value == seen["model.graph_cut_count"].value == 0
