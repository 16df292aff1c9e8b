from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.loss_input import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes(samples=64)
LABEL = (Y % 2).float()


def _facts(loss_fn: Any, last: Any = torch.clone, target: Tensor = Y, outputs: int = 5):
    torch.manual_seed(0)
    model = Composed(lambda m, x: last(m.a(x)), a=nn.Linear(12, outputs))
    return facts(PROBE, model, [(X, target)], loss_fn)


SOFTMAX = [nn.Softmax(1), lambda h: h.softmax(-1), lambda h: h.exp() / h.exp().sum(1, keepdim=True)]


@pytest.mark.parametrize("softmax", SOFTMAX)
@pytest.mark.parametrize("loss_fn", [nn.CrossEntropyLoss(), F.cross_entropy])
def test_probabilities_into_cross_entropy_are_recognised(softmax, loss_fn):
    assert _facts(loss_fn, softmax)["loss.input_is_probability"].value is True
    assert _facts(loss_fn)["loss.input_is_probability"].value is False


def test_a_softmax_inside_the_loss_function_is_seen_too():
    seen = _facts(lambda p, y: F.cross_entropy(F.softmax(p, 1), y))
    assert seen["loss.input_is_probability"].value is True
    assert seen["loss.input_last_op"].value == "softmax"


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_the_floor_of_a_doubled_softmax_has_the_closed_form(classes):
    seen = _facts(F.cross_entropy, nn.Softmax(1), Y % classes, classes)
    expected = math.log(math.e + classes - 1) - 1
    assert seen["loss.floor"].value == pytest.approx(expected, rel=1e-5)
    assert "loss.floor" not in _facts(F.cross_entropy)


def test_the_floor_of_a_bounded_activation_is_that_of_its_best_output():
    tanh = _facts(F.cross_entropy, nn.Tanh())["loss.floor"].value
    assert tanh == pytest.approx(math.log(1 + 4 * math.exp(-2)), rel=1e-5)
    twice = _facts(F.binary_cross_entropy_with_logits, nn.Sigmoid(), LABEL[:, None], 1)
    positive = LABEL.mean().item()
    expected = positive * math.log(1 + math.exp(-1)) + (1 - positive) * math.log(2)
    assert twice["loss.floor"].value == pytest.approx(expected, rel=1e-5)
    clipped = _facts(F.mse_loss, nn.ReLU(), torch.full((64, 5), -2.0))
    assert clipped["loss.floor"].value == pytest.approx(4.0)
    assert "loss.floor" not in _facts(F.cross_entropy, nn.ReLU())


def test_log_probabilities_and_raw_scores_into_nll_are_told_apart():
    fine = _facts(nn.NLLLoss(), nn.LogSoftmax(1))
    assert fine["loss.input_is_log_probability"].value is True
    by_hand = _facts(F.nll_loss, lambda h: torch.log(h.softmax(1)))
    assert by_hand["loss.input_is_log_probability"].value is True
    raw = _facts(nn.NLLLoss())
    assert raw["loss.input_is_log_probability"].value is False
    assert raw["loss.function"].value == "nll_loss"


def test_a_sigmoid_before_a_loss_that_has_its_own_is_a_probability():
    seen = _facts(nn.BCEWithLogitsLoss(), torch.sigmoid, LABEL[:, None], 1)
    assert seen["loss.input_is_probability"].value is True
    fine = _facts(nn.BCEWithLogitsLoss(), target=LABEL[:, None], outputs=1)
    assert fine["loss.input_is_probability"].value is False


def test_class_axis_is_the_second_for_images():
    batch = (torch.randn(4, 3, 6, 6), torch.randint(0, 4, (4, 6, 6)))
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax(1))
    seen = facts(PROBE, model, [batch], nn.CrossEntropyLoss())
    assert seen["loss.input_is_probability"].value is True
    assert seen["loss.floor"].value == pytest.approx(math.log(math.e + 3) - 1, rel=1e-5)


BROADCASTING = [
    F.mse_loss,
    nn.L1Loss(),
    F.smooth_l1_loss,
    lambda p, t: ((p - t) ** 2).mean(),
    lambda p, t: (t - p).abs().mean(),
    lambda p, t: torch.mean(torch.square(torch.sub(p, t))),
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("loss_fn", BROADCASTING)
def test_predictions_broadcast_against_targets_are_caught(loss_fn):
    target = torch.randn(64)
    seen = _facts(loss_fn, target=target, outputs=1)
    assert seen["loss.broadcasts"].value is True
    assert seen["loss.broadcast_shapes"].value == "(64, 1) with (64,) -> (64, 64)"
    turned = _facts(loss_fn, lambda h: h[:, 0], target[:, None], outputs=1)
    assert turned["loss.broadcasts"].value is True
    assert _facts(loss_fn, target=target[:, None], outputs=1)["loss.broadcasts"].value is False


def test_broadcasts_on_purpose_are_not_reported():
    target = torch.randn(64)
    quantiles = torch.tensor([0.1, 0.5, 0.9])

    def pinball(p: Tensor, t: Tensor) -> Tensor:
        gap = t[:, None] - p
        return torch.maximum(quantiles * gap, (quantiles - 1) * gap).mean()

    def ranking(p: Tensor, t: Tensor) -> Tensor:
        return ((p - p.T) - (t[:, None] - t[None])).square().mean()

    def weighted(p: Tensor, t: Tensor) -> Tensor:
        return ((p[:, 0] - t) ** 2 * torch.ones(1)).mean()

    assert _facts(pinball, target=target, outputs=3)["loss.broadcasts"].value is False
    assert _facts(ranking, target=target, outputs=1)["loss.broadcasts"].value is False
    assert _facts(weighted, target=target, outputs=1)["loss.broadcasts"].value is False


def _wrong_sign(p: Tensor, y: Tensor) -> Tensor:
    return p.log_softmax(1).gather(1, y[:, None]).mean()


def _right_sign(p: Tensor, y: Tensor) -> Tensor:
    return -_wrong_sign(p, y)


def test_a_loss_that_rises_with_better_predictions_is_caught():
    assert _facts(_wrong_sign)["loss.better_prediction_lowers_it"].value is False
    assert _facts(_right_sign)["loss.better_prediction_lowers_it"].value is True
    target = torch.randn(64, 1)
    negated = _facts(lambda p, t: -(p - t).square().mean(), target=target, outputs=1)
    assert negated["loss.better_prediction_lowers_it"].value is False


@pytest.mark.parametrize(
    ("loss_fn", "last", "target", "outputs"),
    [
        (nn.CrossEntropyLoss(), nn.Identity(), Y, 5),
        (nn.CrossEntropyLoss(), nn.Softmax(1), Y, 5),
        (nn.NLLLoss(), nn.LogSoftmax(1), Y, 5),
        (nn.MSELoss(), nn.Identity(), torch.randn(64, 5), 5),
        (nn.BCELoss(), nn.Sigmoid(), LABEL[:, None], 1),
        (nn.BCEWithLogitsLoss(), nn.Identity(), LABEL[:, None], 1),
        (nn.HuberLoss(), nn.Tanh(), torch.randn(64, 5).tanh(), 5),
    ],
)
def test_sound_losses_reward_better_predictions(loss_fn, last, target, outputs):
    seen = _facts(loss_fn, last, target, outputs)
    assert seen["loss.better_prediction_lowers_it"].value is True


def test_losses_of_embeddings_and_rates_are_not_judged_by_it():
    def triplet(e: Tensor, y: Tensor) -> Tensor:
        return F.triplet_margin_loss(e[:20], e[20:40], e[40:60])

    assert "loss.better_prediction_lowers_it" not in _facts(triplet, outputs=16)
    counts = torch.poisson(torch.full((64, 1), 3.0))
    for poisson in (nn.PoissonNLLLoss(), lambda p, t: (p.exp() - t * p).mean()):
        seen = _facts(poisson, target=counts, outputs=1)
        assert "loss.better_prediction_lowers_it" not in seen


def test_a_hand_written_loss_is_described_by_the_output_it_gets():
    seen = _facts(_right_sign, nn.Softmax(1))
    assert seen["loss.function"].value == "custom"
    assert seen["loss.input_is_probability"].value is True
    assert seen["loss.input_shape"].value == "(64, 5)"


def test_a_softmax_of_a_softmax_is_seen_whatever_comes_last():
    def twice(p: Tensor, y: Tensor) -> Tensor:
        return F.nll_loss(F.log_softmax(F.softmax(p, 1), dim=1), y)

    assert _facts(twice)["loss.input_softmaxed_twice"].value is True
    assert _facts(F.cross_entropy, nn.Softmax(1))["loss.input_softmaxed_twice"].value is False
    scaled = _facts(F.nll_loss, lambda h: F.log_softmax(3 * F.softmax(h, 1), 1))
    assert scaled["loss.input_softmaxed_twice"].value is False


def _likelihood(sign: float) -> Any:
    def loss_fn(out: Tensor, target: Tensor) -> Tensor:
        error = (target - out[:, 0]) ** 2
        return (0.5 * error * (-out[:, 1]).exp() + sign * 0.5 * out[:, 1]).mean()

    return loss_fn


def test_a_loss_that_one_answer_for_all_lowers_without_end_is_told():
    heights = X[:, 0] + 0.1 * X[:, 1]
    lost_sign = _facts(_likelihood(-1.0), target=heights, outputs=2)
    right = _facts(_likelihood(1.0), target=heights, outputs=2)
    assert lost_sign["loss.constant_falls_without_end"].value is True
    assert right["loss.constant_falls_without_end"].value is False


def test_bounded_outputs_and_equal_targets_are_not_asked_for_an_end():
    def uphill(out: Tensor, target: Tensor) -> Tensor:
        return -((out - target) ** 2).mean()

    one = X[:, :1]
    assert _facts(uphill, target=one, outputs=1)["loss.constant_falls_without_end"].value is True
    for last, target in ((torch.tanh, one), (torch.clone, torch.ones(64, 1))):
        assert "loss.constant_falls_without_end" not in _facts(uphill, last, target, 1)


def _by_hand(p: Tensor, y: Tensor, guard: float = 0.0) -> Tensor:
    return -(y * (p + guard).log() + (1 - y) * (1 - p + guard).log()).mean()


def test_a_log_loss_by_hand_is_nan_for_certain_answers_unless_guarded():
    seen = _facts(_by_hand, nn.Sigmoid(), LABEL[:, None], 1)
    assert seen["loss.finite_when_certain"].value is False
    inside = _facts(lambda z, y: _by_hand(z.sigmoid(), y), target=LABEL[:, None], outputs=1)
    assert inside["loss.finite_when_certain"].value is False
    guarded = _facts(lambda p, y: _by_hand(p, y, 1e-6), nn.Sigmoid(), LABEL[:, None], 1)
    assert guarded["loss.finite_when_certain"].value is True


def test_logarithms_of_a_softmax_by_hand_are_finite_for_certain_answers():
    seen = _facts(lambda p, y: -p.gather(1, y[:, None]).log().mean(), nn.Softmax(1))
    assert seen["loss.finite_when_certain"].value is True


def test_certain_answers_are_tried_on_losses_of_ones_own_alone():
    assert "loss.finite_when_certain" not in _facts(F.cross_entropy)
    far = torch.randn(64, 5)
    assert "loss.finite_when_certain" not in _facts(lambda h, y: (h - y).abs().mean(), target=far)
