from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from probes.custom_code import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes()


def _function(forward: Any, backward: Any) -> type[torch.autograd.Function]:
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return backward(ctx.saved_tensors[0], grad)

    return Own


def _facts(function: type[torch.autograd.Function]):
    torch.manual_seed(0)
    run = lambda m, x: m.b(function.apply(m.a(x)))  # noqa: E731
    return facts(
        PROBE, Composed(run, a=nn.Linear(12, 16), b=nn.Linear(16, 5)), [(X, Y)], F.cross_entropy
    )


def test_a_missing_factor_has_the_error_of_that_factor():
    seen = _facts(_function(lambda x: x * x, lambda x, g: g * x))["gradient_check.relative_error"]
    assert seen.where == ("Own (input 1)",)
    assert seen.value[0] == pytest.approx(0.5, abs=1e-4)


def test_no_gradient_at_all_is_wrong_altogether():
    seen = _facts(_function(torch.tanh, lambda x, g: None))["gradient_check.relative_error"]
    assert seen.value == (1.0,)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (torch.tanh, lambda x, g: g * (1 - torch.tanh(x) ** 2)),
        (lambda x: x.clamp(min=0), lambda x, g: g * (x > 0)),
        (lambda x: x.exp(), lambda x, g: g * x.exp()),
    ],
)
def test_a_right_backward_agrees(forward: Any, backward: Any):
    seen = _facts(_function(forward, backward))["gradient_check.relative_error"]
    assert seen.value[0] < 1e-6


@pytest.mark.parametrize("forward", [torch.round, torch.sign, lambda x: (x * 16).round() / 16])
def test_a_straight_through_estimator_is_meant(forward: Any):
    seen = _facts(_function(forward, lambda x, g: g))
    assert seen["gradient_check.straight_through"].value == (True,)
    assert "gradient_check.relative_error" not in seen


def test_a_gradient_reversal_is_meant():
    seen = _facts(_function(lambda x: x.view_as(x), lambda x, g: -g))
    assert set(seen) == {"gradient_check.functions"}


def test_without_own_functions_there_is_nothing_to_check():
    seen = facts(PROBE, nn.Linear(12, 5), [(X, Y)], F.cross_entropy)
    assert {name: o.value for name, o in seen.items()} == {"gradient_check.functions": 0}


def test_the_function_is_left_as_it_was():
    own = _function(torch.tanh, lambda x, g: g)
    before = own.__dict__["forward"]
    _facts(own)
    assert own.__dict__["forward"] is before
