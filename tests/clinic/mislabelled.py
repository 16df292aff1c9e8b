"""Labels that do not belong to their inputs, wrong labels, and inputs that tell nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from . import breast_cancer, diabetes, digits_cnn, digits_mlp, wine
from .changed import split_of, with_split
from .data import CaseDict


def digits_cnn_labels_sorted(seed: int) -> CaseDict:
    """The labels come from a table that somebody sorted differently."""
    return _labels_in_another_order(digits_cnn.healthy(seed))


def breast_cancer_labels_of_another_file(seed: int) -> CaseDict:
    """The labels were joined by row number after a row-wise filter."""
    return _labels_in_another_order(breast_cancer.healthy(seed))


def diabetes_target_of_another_order(seed: int) -> CaseDict:
    """A regression whose targets were shuffled without their inputs."""
    return _labels_in_another_order(diabetes.healthy(seed))


def digits_mlp_every_third_label_wrong(seed: int) -> CaseDict:
    """Scraped labels: a third of them is wrong."""
    return _wrong_labels(digits_mlp.healthy(seed), 0.33, 10)


def digits_cnn_every_fifth_label_wrong(seed: int) -> CaseDict:
    """A fifth of the labels is wrong."""
    return _wrong_labels(digits_cnn.healthy(seed), 0.2, 10)


def breast_cancer_every_fifth_label_wrong(seed: int) -> CaseDict:
    """A fifth of the labels is the other one."""
    return _wrong_labels(breast_cancer.healthy(seed), 0.2, 2)


def wine_every_fourth_label_wrong(seed: int) -> CaseDict:
    """A quarter of the bottles has another grower's label."""
    return _wrong_labels(wine.healthy(seed), 0.25, 3)


def diabetes_meaningless_columns(seed: int) -> CaseDict:
    """The ten columns are noise: they tell nothing about the disease."""
    return _meaningless(diabetes.healthy(seed))


def digits_mlp_meaningless_columns(seed: int) -> CaseDict:
    """The columns are noise in place of pixels."""
    return _meaningless(digits_mlp.healthy(seed))


def breast_cancer_meaningless_columns(seed: int) -> CaseDict:
    """The columns are noise in place of measurements."""
    return _meaningless(breast_cancer.healthy(seed))


def _labels_in_another_order(case: CaseDict) -> CaseDict:
    split = split_of(case)
    order = torch.randperm(len(split.y_train))
    return with_split(case, split._replace(y_train=split.y_train[order]))


def _wrong_labels(case: CaseDict, share: float, classes: int) -> CaseDict:
    split = split_of(case)
    labels = split.y_train
    wrong = torch.rand_like(labels, dtype=torch.float32) < share
    other = (labels + torch.randint(1, classes, labels.shape)) % classes
    return with_split(case, split._replace(y_train=torch.where(wrong, other, labels)))


def _meaningless(case: CaseDict) -> CaseDict:
    split = split_of(case)
    x_train, x_val = _noise(split.x_train), _noise(split.x_val)
    return with_split(case, split._replace(x_train=x_train, x_val=x_val))


def _noise(x: Tensor) -> Tensor:
    return torch.randn_like(x)
