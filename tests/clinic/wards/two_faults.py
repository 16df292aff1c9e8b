"""Patients with two independent faults: both are to be found."""

from __future__ import annotations

from typing import Final

from torch import nn

from .. import loops, transformer
from ..data import CaseDict
from ..faults import data, network, practice
from ..patient import Patient
from .bases import ill

_LEAK: Final = ("train-val-leakage",)
_LOW: Final = ("learning-rate-too-low",)
_HIGH: Final = ("learning-rate-too-high",)
_SCALE: Final = ("unnormalized-input",)
_MISMATCH: Final = ("train-val-preprocessing-mismatch",)
_PARTS: Final = ("parameters-not-in-optimizer",)
_METRIC: Final = ("metric-wrong",)


def _list_and_rate(case: CaseDict) -> CaseDict:
    return practice.rate_times(network.with_model(case, transformer.ListOfBlocks()), 170)


def _wrong_axis(out: object, target: object) -> float:
    return float((out.argmax(0)[:, None] == target).float().mean())  # type: ignore[attr-defined]


PATIENTS: tuple[Patient, ...] = (
    ill(
        "digits-mlp",
        "wrong-labels-and-leak",
        lambda c: data.validation_inside_training(data.wrong_labels(c, 0.33, 10), 2),
        "label-noise",
        second=_LEAK,
    ),
    ill(
        "digits-cnn",
        "softmax-twice-and-tiny-rate",
        lambda c: practice.rate_times(network.softmax_added(c), 1e-4),
        "double-softmax",
        second=_LOW,
    ),
    ill(
        "breast-cancer",
        "few-of-one-class-and-raw-scale",
        lambda c: practice.sgd(data.times(data.one_class_among_few(c, 6, 1.0), 500), 0.02),
        "class-imbalance",
        second=(*_SCALE, *_HIGH),
    ),
    ill(
        "wine",
        "never-zeroed-and-validation-raw",
        lambda c: loops.own_step(data.validation_times(c, 50), zero=False),
        "missing-zero-grad",
        second=_MISMATCH,
    ),
    ill(
        "diabetes",
        "flat-target-and-leak",
        lambda c: data.flat_target(data.validation_inside_training(c, 2)),
        "loss-broadcast-mistake",
        second=_LEAK,
    ),
    ill(
        "digits-resnet",
        "tiny-rate-and-leak",
        lambda c: practice.rate_times(data.validation_inside_training(c), 1e-4),
        "learning-rate-too-low",
        second=_LEAK,
    ),
    ill(
        "digits-mlp",
        "layers-in-a-list-and-class-by-class",
        lambda c: data.sorted_by_target(network.layers_in(c, list), 16),
        "parameters-not-registered",
        second=("single-label-batches", "not-shuffled"),
    ),
    ill(
        "characters-transformer",
        "blocks-in-a-list-and-huge-rate",
        _list_and_rate,
        "parameters-not-registered",
        second=_HIGH,
    ),
    ill(
        "digits-resnet",
        "softmax-twice-and-evaluation-mode",
        lambda c: network.in_evaluation_mode(network.softmax_added(c)),
        "double-softmax",
        second=("eval-mode-wrong",),
    ),
    ill(
        "seasons",
        "target-in-cents-and-validation-raw",
        lambda c: data.validation_times(practice.sgd(data.target_times(c, 5e3), 0.02), 30, 5),
        "unnormalized-target",
        second=_MISMATCH,
    ),
    ill(
        "breast-cancer",
        "nan-and-only-head-in-optimizer",
        lambda c: practice.only_last_in_optimizer(data.sprinkled(c, float("nan"), 0.002)),
        "nan-or-inf-in-input",
        second=_PARTS,
    ),
    ill(
        "wine",
        "weight-decay-and-wrong-metric",
        lambda c: practice.measured_by(practice.sgd(c, 0.1, weight_decay=3.0), _wrong_axis),
        "over-regularization",
        second=_METRIC,
    ),
    ill(
        "digits-cnn",
        "log-likelihood-of-logits-and-one-batch",
        lambda c: practice.loss(data.the_first_batch_only(c), nn.NLLLoss()),
        "loss-input-mismatch",
        second=("repeated-batch",),
    ),
    ill(
        "digits-mlp",
        "never-updated-and-labels-of-others",
        lambda c: loops.own_step(data.labels_of_others(c), update=False),
        "missing-optimizer-step",
        second=("labels-misaligned-with-inputs", "irrelevant-features"),
    ),
)
