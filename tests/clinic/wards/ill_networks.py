"""Patients whose layers or weights are ill."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import digits_cnn, loops
from ..changed import with_model
from ..data import CaseDict
from ..faults import data, lost, network, practice
from ..patient import Patient
from .bases import Fault, ill

_DEAD = ("dead-relu", "bad-init")
_DEEP = ("network-too-deep", "vanishing-gradient")
_FAINT = ("vanishing-gradient", "network-too-deep", "bad-init")
_AXES = "dimension-mistake"
_LOST = ("input-lost-in-network", "zero-gradient-operation")
_NARROW = ("hidden-units-wrong", "capacity-too-small")
_SATURATED = ("saturated-activation", "bad-init")
_STEEP = ("exploding-gradient", "bad-init", "network-too-deep")


def _half(case: CaseDict) -> CaseDict:
    return loops._half(network.before_last(case, _energy))


def _energy(x: Tensor) -> Tensor:
    squares = (x * 400).square()
    return squares / (squares.mean(dim=1, keepdim=True) + 1)


def _sigmoid_deep(inputs: int, outputs: int, depth: int, gain: float = 1.0) -> Fault:
    def fault(case: CaseDict) -> CaseDict:
        widths = [inputs, *[32] * depth, outputs]
        case = network.mlp(case, widths, nn.Sigmoid)
        return network.weights_scaled(case, gain)

    return fault


def _plain_deep(inputs: int, outputs: int, depth: int) -> Fault:
    return lambda case: network.mlp(case, [inputs, *[32] * depth, outputs])


class _Plain(nn.Module):
    """A plain recurrent layer over pixels one by one; its state grows by `gain` at each."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.recurrent = nn.RNN(8, 48, nonlinearity="relu", batch_first=True)
        nn.init.orthogonal_(self.recurrent.weight_hh_l0, gain=gain)
        self.head = nn.Linear(48, 10)

    def forward(self, rows: Tensor) -> Tensor:
        states, _ = self.recurrent(rows.repeat(1, 4, 1))
        out: Tensor = self.head(states[:, -1])
        return out


def _exploding(gain: float) -> Fault:
    return lambda case: practice.sgd(with_model(case, _Plain(gain)), lr=0.05)


def _growing(case: CaseDict, depth: int = 24, gain: float = 1.6) -> CaseDict:
    """Plain ReLU layers, each of which enlarges what it gets."""
    case = network.mlp(case, [10, *[64] * depth, 1])
    for layer in network.layers_of(case["model"]):
        nn.init.orthogonal_(layer.weight, gain=2**0.5 * gain)
    return practice.sgd(case, lr=1e-3)


def _narrowed(case: CaseDict, units: int) -> CaseDict:
    """Return the convolutional case with a hidden layer of a few units."""
    model = digits_cnn.Net()
    model.fc1, model.fc2 = nn.Linear(32 * 4, units), nn.Linear(units, 10)
    return with_model(case, model)


PATIENTS: tuple[Patient, ...] = (
    # what the inputs tell is lost inside
    ill("wine", "group-norm-on-rows", lambda c: lost.group_norm_on_rows(c, 3), *_LOST),
    ill(
        "digits-mlp",
        "softmax-over-an-added-axis",
        lambda c: lost.softmax_over_an_added_axis(c, 10),
        *_LOST,
    ),
    ill("diabetes", "layer-norm-over-one", lambda c: lost.layer_norm_over_one(c, 1), *_LOST),
    ill("wine", "places-in-the-batch", lambda c: lost.positions_along_the_batch(c, 3), _AXES),
    ill(
        "wine",
        "biases-minus-eight",
        lambda c: network.hidden_biases(network.mlp(c, [13, 32, 16, 3]), -8),
        *_DEAD,
    ),
    ill("diabetes", "biases-minus-eight", lambda c: network.hidden_biases(c, -8), *_DEAD),
    ill("digits-cnn", "biases-minus-eight", lambda c: network.hidden_biases(c, -8), *_DEAD),
    ill(
        "wine",
        "tanh-weights-times-sixty",
        lambda c: network.weights_scaled(network.mlp(c, [13, 32, 32, 32, 3], nn.Tanh), 60, True),
        *_SATURATED,
    ),
    ill(
        "spirals",
        "tanh-weights-times-forty",
        lambda c: network.weights_scaled(c, 40, True),
        *_SATURATED,
    ),
    ill(
        "diabetes",
        "sigmoid-weights-times-eighty",
        lambda c: network.weights_scaled(network.mlp(c, [10, 32, 32, 1], nn.Sigmoid), 80, True),
        *_SATURATED,
    ),
    ill("wine", "all-weights-equal", lambda c: network.weights_at(c, 0.1), "bad-init"),
    ill("digits-cnn", "all-weights-zero", lambda c: network.weights_at(c, 0.0), "bad-init"),
    ill("digits-cnn", "weights-times-twelve", lambda c: network.weights_scaled(c, 12), "bad-init"),
    ill(
        "characters-transformer",
        "normal-weights",
        lambda c: network.matrices_normal(c, 1.0),
        "bad-init",
    ),
    ill("wine", "ten-sigmoid-layers", _sigmoid_deep(13, 3, 10), *_FAINT),
    ill("breast-cancer", "twelve-sigmoid-layers", _sigmoid_deep(30, 1, 12), *_FAINT),
    ill("spirals", "nine-sigmoid-layers", _sigmoid_deep(2, 2, 9), *_FAINT),
    ill("digits-mlp", "thirty-plain-layers", _plain_deep(64, 10, 30), *_DEEP),
    ill("wine", "forty-plain-layers", _plain_deep(13, 3, 40), *_DEEP),
    ill("diabetes", "thirty-plain-layers", _plain_deep(10, 1, 30), *_DEEP),
    ill("digits-rnn", "exploding-states", _exploding(2.0), *_STEEP),
    ill("diabetes", "layers-that-enlarge", _growing, *_STEEP),
    ill(
        "digits-mlp",
        "two-units-in-between",
        lambda c: network.mlp(c, [64, 64, 2, 64, 10]),
        *_NARROW,
    ),
    ill("wine", "one-unit", lambda c: network.mlp(c, [13, 1, 3], nn.Tanh), *_NARROW),
    ill("digits-cnn", "a-layer-of-two-units", lambda c: _narrowed(c, 2), *_NARROW),
    ill(
        "spirals",
        "two-hidden-units",
        lambda c: network.mlp(c, [2, 2, 2], nn.Tanh),
        "capacity-too-small",
        "hidden-units-wrong",
    ),
    ill("spirals", "no-activations", network.without_activations, "missing-nonlinearity"),
    ill("digits-mlp", "no-activations", network.without_activations, "missing-nonlinearity"),
    ill("seasons", "no-activations", network.without_activations, "missing-nonlinearity"),
    ill(
        "spirals",
        "all-but-last-frozen",
        lambda c: network.all_but_last_frozen(network.mlp(c, [2, 24, 24, 2])),
        "frozen-parameters",
    ),
    ill("diabetes", "all-frozen", network.all_frozen, "frozen-parameters"),
    ill("digits-resnet", "all-frozen", network.all_frozen, "frozen-parameters"),
    ill("digits-resnet", "evaluation-mode", network.in_evaluation_mode, "eval-mode-wrong"),
    ill("digits-normed", "evaluation-mode", network.in_evaluation_mode, "eval-mode-wrong"),
    ill(
        "spirals",
        "layers-in-a-list",
        lambda c: network.layers_in(c, list),
        "parameters-not-registered",
    ),
    ill(
        "digits-mlp",
        "layers-in-a-dict",
        lambda c: network.layers_in(c, dict),
        "parameters-not-registered",
    ),
    ill(
        "digits-mlp",
        "softmax-twice",
        lambda c: practice.sgd(network.softmax_added(c), 0.05),
        "double-softmax",
    ),
    ill("digits-resnet", "softmax-twice", network.softmax_added, "double-softmax"),
    ill("wine", "softmax-twice", network.softmax_added, "double-softmax"),
    ill(
        "seasons",
        "relu-at-the-end",
        lambda c: network.ends_in(c, torch.relu),
        "last-activation-wrong",
    ),
    ill(
        "diabetes",
        "tanh-at-the-end",
        lambda c: network.ends_in(data.target_times(c, 2), torch.tanh),
        "last-activation-wrong",
    ),
    ill("wine", "output-copied", network.output_copied, "graph-detached"),
    ill("diabetes", "output-copied", network.output_copied, "graph-detached"),
    ill(
        "spirals",
        "detached-before-last",
        lambda c: network.detached_before_last(c),
        "graph-detached",
    ),
    ill("spirals", "rounded-before-last", network.rounded_before_last, "zero-gradient-operation"),
    ill(
        "diabetes",
        "dropping-always",
        lambda c: network.dropping_always(c, 0.7),
        "dropout-always-on",
    ),
    ill(
        "breast-cancer",
        "dropping-always",
        lambda c: network.dropping_always(c, 0.6),
        "dropout-always-on",
    ),
    ill("breast-cancer", "half-precision-overflows", _half, "amp-overflow"),
    ill("wine", "half-precision-overflows", _half, "amp-overflow"),
    ill(
        "breast-cancer",
        "dropout-nearly-all",
        lambda c: network.mlp(c, [30, 64, 64, 1], dropout=0.97),
        "over-regularization",
    ),
)
