"""Patients whose loss or training is ill."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ExponentialLR

from ..faults import data, network, practice
from ..patient import Patient
from .bases import ill

_LEARNT_BY_HEART = ("no-regularization", "overfitting", "too-few-samples")
_MOMENTUM = ("momentum-wrong", "learning-rate-too-high")
_PENALTY = ("loss-terms-unbalanced", "over-regularization")


def _mixed_up(out: Tensor, labels: Tensor) -> float:
    """Compare the sample with the highest score per class, the wrong axis, with the labels."""
    return float((out.argmax(0)[:, None] == labels).float().mean())


def _first_only(out: Tensor, target: Tensor) -> float:
    """Compare all targets with the first prediction."""
    return float((out[:1] - target).abs().mean())


def _log_of_softmax(out: Tensor, labels: Tensor) -> Tensor:
    return F.nll_loss((out * 1000).softmax(dim=1).log(), labels)


def _log_of_sigmoid(out: Tensor, labels: Tensor) -> Tensor:
    share = (out * 150).sigmoid()
    return -(labels * share.log() + (1 - labels) * (1 - share).log()).mean()


def _root_of_error(out: Tensor, target: Tensor) -> Tensor:
    """The root of a square, to get a size: infinity times 0 where an error is small."""
    error = out - target
    counted = error * (error.abs() > 0.1)
    return counted.square().sum(dim=1).sqrt().mean()


def _squared_uphill(out: Tensor, target: Tensor) -> Tensor:
    return (target**2 - (out - target) ** 2).mean()


def _flat_squared(out: Tensor, target: Tensor) -> Tensor:
    return ((out - target) ** 2).mean()


_SUMMED = ("loss-summed-over-batch", "learning-rate-too-high")

PATIENTS: tuple[Patient, ...] = (
    ill("digits-mlp", "never-backward", practice.never_backward, "missing-backward"),
    ill("digits-mlp", "summed-over-the-batch", lambda c: practice.summed(c, 0.2), *_SUMMED),
    ill("diabetes", "never-backward", practice.never_backward, "missing-backward"),
    ill("diabetes", "summed-over-the-batch", lambda c: practice.summed(c, 0.1), *_SUMMED),
    ill("wine", "never-backward", practice.never_backward, "missing-backward"),
    ill("wine", "summed-over-the-batch", lambda c: practice.summed(c, 0.5), *_SUMMED),
    ill(
        "digits-resnet",
        "log-likelihood-of-logits",
        lambda c: practice.loss(c, nn.NLLLoss()),
        "loss-input-mismatch",
    ),
    ill(
        "digit-attributes",
        "bce-of-logits",
        lambda c: practice.loss(c, nn.BCELoss()),
        "loss-input-mismatch",
    ),
    ill(
        "wine",
        "log-likelihood-of-logits",
        lambda c: practice.loss(c, nn.NLLLoss()),
        "loss-input-mismatch",
    ),
    ill("wine", "uphill", practice.uphill, "custom-loss-bug"),
    ill(
        "diabetes", "squared-uphill", lambda c: practice.loss(c, _squared_uphill), "custom-loss-bug"
    ),
    ill("spirals", "uphill", practice.uphill, "custom-loss-bug"),
    ill(
        "seasons",
        "flat-target",
        lambda c: practice.loss(data.flat_target(c), F.mse_loss),
        "loss-broadcast-mistake",
    ),
    ill(
        "seasons",
        "flat-target-by-hand",
        lambda c: practice.loss(data.flat_target(c), _flat_squared),
        "loss-broadcast-mistake",
    ),
    ill(
        "digits-mlp",
        "log-of-softmax",
        lambda c: practice.loss(c, _log_of_softmax),
        "numeric-instability",
        "custom-loss-bug",
    ),
    ill(
        "breast-cancer",
        "log-of-sigmoid",
        lambda c: practice.loss(c, _log_of_sigmoid),
        "numeric-instability",
        "custom-loss-bug",
    ),
    ill(
        "diabetes",
        "root-of-error",
        lambda c: practice.loss(c, _root_of_error),
        "numeric-instability",
        "custom-loss-bug",
    ),
    ill("traffic", "penalty-of-forty", lambda c: practice.penalised(c, 40.0), *_PENALTY),
    ill(
        "wine",
        "metric-over-the-wrong-axis",
        lambda c: practice.measured_by(c, _mixed_up),
        "metric-wrong",
    ),
    ill(
        "seasons",
        "metric-of-the-first",
        lambda c: practice.measured_by(c, _first_only),
        "metric-wrong",
    ),
    # optimizers
    ill(
        "diabetes",
        "momentum-nearly-one",
        lambda c: practice.sgd(c, 0.02, momentum=0.999),
        *_MOMENTUM,
    ),
    ill(
        "digits-cnn",
        "momentum-nearly-one",
        lambda c: practice.sgd(c, 0.05, momentum=0.998),
        *_MOMENTUM,
    ),
    ill("wine", "momentum-above-one", lambda c: practice.sgd(c, 0.01, momentum=1.02), *_MOMENTUM),
    ill(
        "digits-cnn",
        "rprop-on-batches",
        lambda c: practice.optimized_by(c, torch.optim.Rprop, lr=1e-3),
        "optimizer-unsuitable",
    ),
    ill(
        "digits-resnet",
        "rprop-on-batches",
        lambda c: practice.optimized_by(c, torch.optim.Rprop, lr=1e-3),
        "optimizer-unsuitable",
    ),
    ill(
        "characters-transformer",
        "plain-sgd",
        lambda c: practice.sgd(c, 0.1),
        "optimizer-unsuitable",
        "learning-rate-too-low",
    ),
    ill(
        "digits-resnet",
        "weight-decay-of-one",
        lambda c: practice.sgd(c, 0.05, momentum=0.9, weight_decay=1.0),
        "over-regularization",
    ),
    ill(
        "diabetes",
        "weight-decay-of-ten",
        lambda c: practice.adam(c, 1e-3, weight_decay=10.0),
        "over-regularization",
    ),
    ill("diabetes", "rate-of-ten", lambda c: practice.sgd(c, 10.0), "learning-rate-too-high"),
    ill(
        "digits-resnet",
        "rate-of-five",
        lambda c: practice.sgd(c, 5.0, momentum=0.9),
        "learning-rate-too-high",
    ),
    ill(
        "digits-vae",
        "rate-times-thousand",
        lambda c: practice.rate_times(c, 1000),
        "learning-rate-too-high",
    ),
    ill(
        "digits-vae",
        "rate-times-ten-thousandth",
        lambda c: practice.rate_times(c, 1e-4),
        "learning-rate-too-low",
    ),
    ill(
        "digits-resnet",
        "rate-times-ten-thousandth",
        lambda c: practice.rate_times(c, 1e-4),
        "learning-rate-too-low",
    ),
    ill(
        "spirals",
        "rate-times-thousandth",
        lambda c: practice.rate_times(c, 1e-3),
        "learning-rate-too-low",
    ),
    ill(
        "digits-resnet",
        "only-head-in-optimizer",
        practice.only_last_in_optimizer,
        "parameters-not-in-optimizer",
    ),
    ill(
        "digits-resnet",
        "rate-dies",
        lambda c: practice.decayed(practice.sgd(c, 0.003), lambda o: ExponentialLR(o, 0.01)),
        "lr-schedule-wrong",
    ),
    # learnt by heart
    ill(
        "breast-cancer",
        "wide-on-thirty",
        lambda c: practice.adam(
            network.mlp(data.few(data.wrong_labels(c, 0.2, 2), 30, 120), [30, 256, 256, 1]), 2e-3
        ),
        *_LEARNT_BY_HEART,
        "label-noise",
    ),
    ill(
        "diabetes",
        "wide-on-eighty",
        lambda c: practice.adam(network.mlp(data.few(c, 80, 120), [10, 256, 256, 1]), 2e-3),
        *_LEARNT_BY_HEART,
    ),
    ill(
        "digits-mlp",
        "wide-on-noisy-sixty",
        lambda c: practice.adam(
            network.mlp(data.few(data.wrong_labels(c, 0.3, 10), 60, 200), [64, 512, 10]), 3e-3
        ),
        *_LEARNT_BY_HEART,
        "label-noise",
    ),
)
