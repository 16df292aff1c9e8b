"""What tells the labels is followed through the layers, and missed where it is lost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from probes.information import PROBE
from tests.probes.observing import Composed, by_place, facts
from tests.probes.small_cases import diabetes, digits, loader, mlp

X, Y = digits()


def _facts(model: nn.Module, x: Tensor = X, y: Tensor = Y):
    loss = nn.CrossEntropyLoss() if y.dim() == 1 else nn.MSELoss()
    found = facts(PROBE, model, loader(x, y), loss)  # type: ignore[arg-type]
    return {name.removeprefix("information."): seen for name, seen in found.items()}


def _norm(x: Tensor) -> Tensor:
    return nn.functional.layer_norm(x.unsqueeze(-1), (1,)).squeeze(-1)


def _middle(between, **more: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    layers = {"a": nn.Linear(64, 32), "b": nn.Linear(32, 32), "c": nn.Linear(32, 10)}
    return Composed(lambda m, x: m.c(torch.tanh(m.b(between(m, m.a(x))))), **layers, **more)


@pytest.mark.parametrize(
    "model",
    [
        mlp(64, 64, 64, 10),
        mlp(64, *[64] * 8, 10),
        mlp(64, 64, 64, 10, activation=nn.Sigmoid),
        _middle(lambda m, h: m.norm(h), norm=nn.LayerNorm(32)),
    ],
    ids=["mlp", "deep", "sigmoid", "layer norm"],
)
def test_untrained_layers_keep_what_tells_the_labels(model: nn.Module) -> None:
    seen = _facts(model)
    assert seen["in_inputs"].value > 0.7
    assert seen["kept_at_end"].value > 0.25
    assert seen["lost"].value is False
    assert "kept" not in seen


@pytest.mark.parametrize(
    ("between", "at"),
    [
        (lambda m, h: h.unsqueeze(1).softmax(1).squeeze(1), "model:softmax"),
        (lambda m, h: _norm(h), "model:layer_norm"),
        (lambda m, h: h.clamp(0, 0), "model:clamp"),
    ],
    ids=["softmax over one", "normalised one by one", "rounded away"],
)
def test_the_layer_that_loses_it_is_named(between, at: str) -> None:
    seen = _facts(_middle(between))
    assert seen["lost"].value is True
    assert seen["lost_at"].where == (at,)
    assert by_place(seen["kept"])["a"] > 0.7
    assert by_place(seen["kept"])["b"] < 0.1


def test_noise_in_the_place_of_the_signal_tells_nothing() -> None:
    seen = _facts(_middle(lambda m, h: torch.randn_like(h)))
    assert seen["lost"].value is True


def test_a_value_is_followed_as_well_as_a_class() -> None:
    x, y = diabetes()
    assert _facts(mlp(10, 32, 32, 1), x, y)["lost"].value is False
    torch.manual_seed(0)
    layers = {"a": nn.Linear(10, 16), "b": nn.Linear(16, 1)}
    seen = _facts(Composed(lambda m, h: m.b(_norm(m.a(h))), **layers), x, y)
    assert seen["lost"].value is True
    assert seen["lost_at"].where == ("model:layer_norm",)


def test_shuffled_labels_have_nothing_that_could_be_lost() -> None:
    shuffled = Y[torch.randperm(len(Y), generator=torch.Generator().manual_seed(3))]
    assert _facts(_middle(lambda m, h: 0 * h), X, shuffled) == {}


def test_two_heads_are_told_by_what_they_are_given() -> None:
    torch.manual_seed(0)
    parts = {"a": nn.Linear(64, 32), "side": nn.Linear(32, 1), "head": nn.Linear(32, 10)}

    def run(m, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(m.a(x))
        return m.head(hidden), m.side(hidden)

    found = facts(
        PROBE,
        Composed(run, **parts),
        loader(X, Y),
        lambda out, y: nn.functional.cross_entropy(out[0], y),
    )
    assert found["information.lost"].value is False


def test_rounding_is_no_signal() -> None:
    """Differences of a ten-millionth are there in float32, and no training can use them."""
    seen = _facts(_middle(lambda m, h: 1.0 + 1e-7 * h))
    assert seen["lost"].value is True
