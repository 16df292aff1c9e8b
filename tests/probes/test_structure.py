from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.structure import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes()
IMAGES = torch.randn(16, 3, 16, 16)
CE = nn.CrossEntropyLoss()


def _facts(model: nn.Module, x: Tensor = X, **more: Any):
    return facts(PROBE, model, [(x, Y[: len(x)])], CE, **more)


def _chains(model: nn.Module, x: Tensor = X) -> tuple[str, ...]:
    seen = _facts(model, x)
    chains = seen.get("model.linear_chains")
    assert seen["model.linear_chain_count"].value == (len(chains.where) if chains else 0)
    return chains.where if chains else ()


def test_depth_widths_and_regularisers_of_a_plain_network():
    model = nn.Sequential(
        nn.LayerNorm(12), nn.Linear(12, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 5),
    )  # fmt: skip
    seen = _facts(model)
    assert seen["model.depth"].value == 3
    assert seen["model.widths"].value == (9, 7, 5)
    assert seen["model.narrowest_width"].value == 7
    assert seen["model.parameters"].value == sum(p.numel() for p in model.parameters())
    assert seen["model.has_batchnorm"].value is True
    assert seen["model.dropout_max"].value == 0.3
    assert seen["model.normalises_input"].value is True
    assert seen["model.has_nonlinearity"].value is True


def test_layers_without_an_activation_between_them_are_found_in_any_style():
    between = nn.Sequential(nn.BatchNorm1d(16), nn.Dropout(0.1), nn.Identity())
    modules = nn.Sequential(nn.Linear(12, 16), between, nn.Linear(16, 16), nn.Linear(16, 5))
    assert _chains(modules) == ("0 -> 2", "2 -> 3")
    functional = Composed(
        lambda m, x: (x @ m.a) @ m.b + m.c,
        a=nn.Parameter(torch.randn(12, 16)),
        b=nn.Parameter(torch.randn(16, 5)),
        c=nn.Parameter(torch.zeros(5)),
    )
    assert _chains(functional) == ("a -> b",)
    assert _facts(functional)["model.has_nonlinearity"].value is False


def test_average_pooling_does_not_separate_layers_but_max_pooling_does():
    def model(pool: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3), pool, nn.Flatten(), nn.Linear(8, 5))

    assert _chains(model(nn.AdaptiveAvgPool2d(1)), IMAGES) == ("0 -> 3",)
    assert _chains(model(nn.AdaptiveMaxPool2d(1)), IMAGES) == ()


def _residual() -> nn.Module:
    return Composed(
        lambda m, x: m.head(m.stem(x) + m.down(F.relu(m.up(m.norm(m.stem(x)))))),
        stem=nn.Linear(12, 8),
        norm=nn.LayerNorm(8),
        up=nn.Linear(8, 16),
        down=nn.Linear(16, 8),
        head=nn.Linear(8, 5),
    )


def _shortcut() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.down(x)
        h = F.relu(m.bn(m.conv(F.relu(h)))) + m.short(h)
        return m.head(F.relu(h).mean((2, 3)))

    return Composed(
        forward,
        down=nn.Conv2d(3, 8, 3, 2),
        conv=nn.Conv2d(8, 16, 3, padding=1),
        bn=nn.BatchNorm2d(16),
        short=nn.Conv2d(8, 16, 1),
        head=nn.Linear(16, 5),
    )


def _separable() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 32, 1), nn.ReLU(),
        nn.Conv2d(32, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 48, 1), nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 5),
    )  # fmt: skip


def _attention() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.embed(x.view(-1, 3, 4)) + m.position
        q, k, v = m.q(x), m.k(x), m.v(x)
        h = m.o((q @ k.mT).softmax(-1) @ v)
        return m.head(F.gelu(h).mean(1))

    members = {name: nn.Linear(8, 8) for name in ("q", "k", "v", "o")}
    position = nn.Parameter(torch.zeros(1, 3, 8))
    return Composed(
        forward, embed=nn.Linear(4, 8), position=position, head=nn.Linear(8, 5), **members
    )


def _low_rank() -> nn.Module:
    return Composed(
        lambda m, x: m.head(F.relu(m.base(x) + m.b(m.a(x)))),
        base=nn.Linear(12, 16),
        a=nn.Linear(12, 2, bias=False),
        b=nn.Linear(2, 16, bias=False),
        head=nn.Linear(16, 5),
    )


def _recurrent() -> nn.Module:
    return Composed(
        lambda m, x: m.head(m.rnn(m.embed(x.view(-1, 3, 4)))[0][:, -1]),
        embed=nn.Linear(4, 8),
        rnn=nn.LSTM(8, 8, batch_first=True),
        head=nn.Linear(8, 5),
    )


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (_residual, X),
        (_shortcut, IMAGES),
        (_separable, IMAGES),
        (_attention, X),
        (_low_rank, X),
        (_recurrent, X),
    ],
)
def test_linear_pairs_that_people_build_on_purpose_are_no_mistakes(build, x):
    assert _chains(build(), x) == ()
    assert _facts(build(), x)["model.has_nonlinearity"].value is True


class Hiding(nn.Module):
    def __init__(self, keep: Any) -> None:
        super().__init__()
        self.first = nn.Linear(12, 8)
        self.kept = keep([nn.Linear(8, 8)])
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.kept[0](F.relu(self.first(x)))))


def test_layers_in_a_list_or_dict_are_reported_with_their_place():
    for keep, place in ((list, "kept[0]"), (lambda m: dict(enumerate(m)), "kept[0]")):
        seen = _facts(Hiding(keep))
        assert seen["parameters.unregistered"].where == (f"{place}.weight", f"{place}.bias")
    assert _facts(Hiding(nn.ModuleList))["parameters.unregistered_count"].value == 0


def test_layers_that_the_optimizer_trains_are_not_reported():
    model = Hiding(list)
    optimizer = torch.optim.SGD([*model.parameters(), *model.kept[0].parameters()], lr=0.1)
    assert _facts(model, optimizer=optimizer)["parameters.unregistered_count"].value == 0


def test_a_teacher_kept_in_a_list_is_not_reported():
    model = Composed(
        lambda m, x: m.a(x) + 0 * m.teacher[0](x).detach(),
        a=nn.Linear(12, 5),
        teacher=[nn.Linear(12, 5)],
    )
    assert _facts(model)["parameters.unregistered_count"].value == 0


def test_an_input_that_wants_gradients_is_no_parameter():
    def step(model: nn.Module, batch: Any) -> Tensor:
        x = batch[0].requires_grad_()
        return model(x).square().mean()

    seen = facts(PROBE, nn.Linear(12, 5), [(X, Y)], step=step)
    assert seen["parameters.unregistered_count"].value == 0
