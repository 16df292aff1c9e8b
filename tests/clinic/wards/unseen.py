"""The ill of the held-out bases: nothing is tuned on them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import loops
from ..faults import data, network, practice
from ..patient import Patient
from .bases import ill

_FEW = ("too-few-samples", "overfitting", "no-regularization")
_MOMENTUM = ("momentum-wrong", "learning-rate-too-high")
_ONE_LABEL = ("single-label-batches", "not-shuffled")
_SCALE = ("unnormalized-input", "learning-rate-too-high")


def _flat_squared(out: Tensor, target: Tensor) -> Tensor:
    return ((out - target) ** 2).mean()


PATIENTS: tuple[Patient, ...] = (
    ill(
        "iris-mlp",
        "rate-of-three",
        lambda c: practice.sgd(c, 3.0, momentum=0.9),
        "learning-rate-too-high",
    ),
    ill(
        "iris-mlp",
        "centimetres-in-micrometres",
        lambda c: practice.sgd(data.times(c, 1e4), 0.05),
        *_SCALE,
    ),
    ill(
        "iris-mlp",
        "softmax-twice",
        lambda c: practice.sgd(network.softmax_added(c), 0.05),
        "double-softmax",
    ),
    ill(
        "iris-mlp",
        "labels-of-others",
        data.labels_of_others,
        "labels-misaligned-with-inputs",
        "irrelevant-features",
    ),
    ill(
        "iris-mlp",
        "class-by-class",
        lambda c: practice.sgd(data.sorted_by_target(c), 0.1),
        *_ONE_LABEL,
    ),
    ill("iris-mlp", "all-weights-zero", lambda c: network.weights_at(c, 0.0), "bad-init"),
    ill(
        "iris-mlp",
        "log-likelihood-of-logits",
        lambda c: practice.loss(c, nn.NLLLoss()),
        "loss-input-mismatch",
    ),
    ill(
        "iris-mlp",
        "weight-decay-of-five",
        lambda c: practice.sgd(c, 0.05, weight_decay=5.0),
        "over-regularization",
    ),
    ill(
        "iris-mlp",
        "layers-in-a-list",
        lambda c: network.layers_in(c, list),
        "parameters-not-registered",
    ),
    ill(
        "friedman-residual",
        "target-times-thousand",
        lambda c: practice.sgd(data.target_times(c, 1e3), 0.01),
        "unnormalized-target",
    ),
    ill(
        "friedman-residual",
        "flat-target",
        lambda c: practice.loss(data.flat_target(c), _flat_squared),
        "loss-broadcast-mistake",
    ),
    ill(
        "friedman-residual",
        "rate-times-hundred-thousandth",
        lambda c: practice.rate_times(c, 1e-5),
        "learning-rate-too-low",
    ),
    ill(
        "friedman-residual",
        "relu-at-the-end",
        lambda c: network.ends_in(c, torch.relu),
        "last-activation-wrong",
    ),
    ill("friedman-residual", "uphill", practice.uphill, "custom-loss-bug"),
    ill("friedman-residual", "nan-in-one-row", data.one_ruined_sample, "nan-or-inf-in-input"),
    ill(
        "friedman-residual",
        "rate-of-ten",
        lambda c: practice.rate_times(c, 5e3),
        "learning-rate-too-high",
    ),
    ill(
        "friedman-residual",
        "only-head-in-optimizer",
        practice.only_last_in_optimizer,
        "parameters-not-in-optimizer",
    ),
    ill(
        "textures-cnn",
        "evaluation-mode-raw",
        lambda c: network.in_evaluation_mode(data.times(c, 60, 100)),
        "eval-mode-wrong",
        "unnormalized-input",
    ),
    ill(
        "textures-cnn",
        "every-fourth-label-wrong",
        lambda c: data.wrong_labels(c, 0.25, 4),
        "label-noise",
    ),
    ill("textures-cnn", "one-batch-again-and-again", data.the_first_batch_only, "repeated-batch"),
    ill(
        "textures-cnn",
        "validation-seen-before",
        data.validation_inside_training,
        "train-val-leakage",
    ),
    ill(
        "textures-cnn",
        "validation-unscaled",
        lambda c: data.validation_times(c, 80),
        "train-val-preprocessing-mismatch",
    ),
    ill(
        "textures-cnn", "never-zeroed", lambda c: loops.own_step(c, zero=False), "missing-zero-grad"
    ),
    ill("textures-cnn", "softmax-twice", network.softmax_added, "double-softmax"),
    ill(
        "textures-cnn",
        "momentum-nearly-one",
        lambda c: practice.sgd(c, 0.02, momentum=0.999),
        *_MOMENTUM,
    ),
    ill(
        "brackets-lstm",
        "rate-of-one",
        lambda c: practice.rate_times(c, 300),
        "learning-rate-too-high",
    ),
    ill("brackets-lstm", "labels-signed", data.labels_signed, "labels-wrong-encoding"),
    ill(
        "brackets-lstm",
        "never-updated",
        lambda c: loops.own_step(c, update=False),
        "missing-optimizer-step",
    ),
    ill(
        "brackets-lstm",
        "clipped-to-nothing",
        lambda c: loops.own_step(practice.sgd(c, 0.5, momentum=0.9), clip=loops._norm(1e-4)),
        "gradient-clipping-too-tight",
    ),
    ill(
        "brackets-lstm",
        "the-balanced-last",
        lambda c: practice.sgd(data.sorted_by_target(c), 0.3, momentum=0.9),
        *_ONE_LABEL,
    ),
    ill("brackets-lstm", "twelve-strings", lambda c: data.few(c, 12, 120), *_FEW),
    ill(
        "brackets-lstm",
        "only-head-in-optimizer",
        practice.only_last_in_optimizer,
        "parameters-not-in-optimizer",
    ),
)
