"""Patients whose samples, labels or batches are ill."""

from __future__ import annotations

import torch

from .. import generative, traffic
from ..faults import data, practice, workers
from ..patient import Patient, ward
from ..training import balanced_from_logits
from .bases import ill

_BATCH_NOISE = ("batch-too-small", "learning-rate-too-high")
_FEW = ("too-few-samples", "overfitting", "no-regularization")
_ONE_LABEL = ("single-label-batches", "not-shuffled")
_ORDER = ("not-shuffled", "single-label-batches")
_OTHER_SCALE = ("pretrained-preprocessing-mismatch", "unnormalized-input")
_PENALTY = ("loss-terms-unbalanced", "over-regularization")
_SCALE = ("unnormalized-input", "learning-rate-too-high")
_WORKERS = "workers-repeat-each-other"
_WHOLE_BATCH = ("batch-too-large", "insufficient-training")


_OWN: tuple[Patient, ...] = (
    *ward(
        "traffic",
        balanced_from_logits,
        (traffic.roads_and_hours, "input-not-preprocessed"),
        (traffic.road_numbers, "input-not-preprocessed"),
    ),
    *ward("digits-vae", None, (generative.divergence_drowns_the_drawing, *_PENALTY)),
)


PATIENTS: tuple[Patient, ...] = (
    *_OWN,
    # scale and content of the inputs
    ill("digits-resnet", "nan-in-one-image", data.one_ruined_sample, "nan-or-inf-in-input"),
    ill(
        "wine",
        "infinite-measurement",
        lambda c: data.sprinkled(c, torch.inf, 0.01),
        "nan-or-inf-in-input",
    ),
    ill("diabetes", "nan-in-one-row", data.one_ruined_sample, "nan-or-inf-in-input"),
    ill("wine", "inputs-all-zero", data.zeroed, "constant-or-zero-input"),
    ill("diabetes", "always-the-first-row", data.one_sample_for_all, "constant-or-zero-input"),
    ill("digits-resnet", "mask-inverted", data.zeroed, "constant-or-zero-input"),
    ill(
        "traffic",
        "inputs-times-three-hundred",
        lambda c: practice.sgd(data.times(c, 300), lr=0.05),
        *_SCALE,
    ),
    ill("diabetes", "one-column-in-millionths", lambda c: data.one_column_times(c, 3e3), *_SCALE),
    ill(
        "spirals", "far-from-the-origin", lambda c: data.times(c, 1, plus=300), "unnormalized-input"
    ),
    ill(
        "seasons",
        "target-in-cents",
        lambda c: practice.sgd(data.target_times(c, 5e3), lr=0.02),
        "unnormalized-target",
    ),
    ill(
        "seasons",
        "target-far-from-zero",
        lambda c: data.target_times(c, 1, plus=400),
        "unnormalized-target",
    ),
    # labels
    ill("digits-cnn", "labels-from-one", data.labels_plus, "labels-wrong-encoding"),
    ill("wine", "labels-from-one", data.labels_plus, "labels-wrong-encoding"),
    ill("digit-attributes", "labels-signed", data.labels_signed, "labels-wrong-encoding"),
    ill("traffic", "labels-signed", data.labels_signed, "labels-wrong-encoding"),
    ill(
        "spirals",
        "every-fourth-label-wrong",
        lambda c: data.wrong_labels(c, 0.25, 2),
        "label-noise",
    ),
    ill(
        "digits-resnet",
        "labels-of-others",
        data.labels_of_others,
        "labels-misaligned-with-inputs",
        "irrelevant-features",
    ),
    ill(
        "digits-mlp",
        "hardly-anything-but-zeros",
        lambda c: data.one_class_among_few(c, 4),
        "class-imbalance",
        "too-few-samples",
    ),
    ill(
        "traffic",
        "nine-jams-in-all",
        lambda c: practice.sgd(data.one_class_among_few(c, 9), 0.02),
        "class-imbalance",
    ),
    ill(
        "digits-cnn",
        "hardly-anything-but-threes",
        lambda c: data.one_class_among_few(c, 6, 3.0),
        "class-imbalance",
        "too-few-samples",
    ),
    # batches and their order
    ill("digits-resnet", "class-by-class", lambda c: data.sorted_by_target(c, 16), *_ONE_LABEL),
    ill("wine", "class-by-class", lambda c: data.sorted_by_target(c, 8), *_ONE_LABEL),
    ill(
        "digits-mlp",
        "class-by-class",
        lambda c: practice.sgd(data.sorted_by_target(c, 16), 0.1),
        *_ONE_LABEL,
    ),
    ill("digits-cnn", "session-by-session", lambda c: data.session_by_session(c, 4), *_ORDER),
    ill(
        "diabetes",
        "sorted-by-target",
        lambda c: practice.sgd(data.sorted_by_target(c), 0.01),
        *_ORDER,
    ),
    ill(
        "breast-cancer",
        "the-ill-first",
        lambda c: practice.sgd(data.sorted_by_target(c), 0.1),
        *_ORDER,
    ),
    ill("wine", "one-batch-again-and-again", data.the_first_batch_only, "repeated-batch"),
    ill("characters-rnn", "one-batch-again-and-again", data.the_first_batch_only, "repeated-batch"),
    ill("diabetes", "one-batch-again-and-again", data.the_first_batch_only, "repeated-batch"),
    # worker processes
    ill("digits-mlp", "noise-of-its-own", workers.noise_of_its_own, _WORKERS),
    ill("diabetes", "one-seed-for-all", workers.one_seed_for_all, _WORKERS),
    ill("wine", "every-worker-reads-all", workers.every_worker_reads_all, _WORKERS),
    ill(
        "digits-resnet",
        "whole-set-as-batch",
        lambda c: practice.sgd(data.in_batches_of(c, 0, 6), 0.02),
        *_WHOLE_BATCH,
    ),
    ill(
        "breast-cancer",
        "whole-set-as-batch",
        lambda c: practice.sgd(data.in_batches_of(c, 0, 10), 0.02),
        *_WHOLE_BATCH,
    ),
    ill(
        "digits-cnn",
        "batch-of-one",
        lambda c: practice.sgd(data.in_batches_of(c, 1), 0.1, momentum=0.9),
        *_BATCH_NOISE,
    ),
    ill(
        "seasons",
        "batch-of-one",
        lambda c: practice.sgd(data.in_batches_of(c, 1), 0.1, momentum=0.9),
        *_BATCH_NOISE,
    ),
    # too few, too much
    ill("breast-cancer", "twelve-patients", lambda c: data.few(c, 12, 150), *_FEW),
    ill("digit-attributes", "twenty-images", lambda c: data.few(c, 20, 300), *_FEW),
    ill("spirals", "sixteen-points", lambda c: data.few(c, 16, 300), *_FEW),
    ill(
        "digits-mlp",
        "noise-as-augmentation",
        lambda c: data.noise_added(c, 8.0),
        "excessive-augmentation",
    ),
    ill(
        "breast-cancer",
        "noise-as-augmentation",
        lambda c: data.noise_added(c, 12.0),
        "excessive-augmentation",
    ),
    ill(
        "digits-resnet",
        "noise-as-augmentation",
        lambda c: data.noise_added(c, 6.0),
        "excessive-augmentation",
    ),
    # training and validation
    ill(
        "digits-resnet",
        "validation-in-bytes",
        lambda c: data.validation_times(c, 100, 80),
        "train-val-preprocessing-mismatch",
    ),
    ill(
        "traffic",
        "half-of-validation-seen-before",
        lambda c: data.validation_inside_training(c, 2),
        "train-val-leakage",
    ),
    ill(
        "digits-cnn", "validation-seen-before", data.validation_inside_training, "train-val-leakage"
    ),
    ill("fine-tuned-resnet", "pixels-left-raw", lambda c: data.times(c, 255), *_OTHER_SCALE),
    ill("fine-tuned-resnet", "pixels-shifted", lambda c: data.times(c, 1, plus=12), *_OTHER_SCALE),
    ill("fine-tuned-resnet", "pixels-faint", lambda c: data.times(c, 0.02), *_OTHER_SCALE),
)
