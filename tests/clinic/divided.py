"""Training and validation sets that differ, overlap or are too small, and their healthy twins."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from . import breast_cancer, diabetes, digits_cnn, digits_mlp, wine
from .changed import cut_in_order, everything, split_of, with_split
from .data import CaseDict, Split, digit_images, digits
from .data import breast_cancer as tumours
from .data import diabetes as patients
from .data import wine as bottles


# --- prepared differently ------------------------------------------------------------------------
def digits_mlp_validation_left_raw(seed: int) -> CaseDict:
    """The training pixels are standardised, the validation pixels are not."""
    case = digits_mlp.healthy(seed)
    return with_split(case, split_of(case)._replace(x_val=digits(seed).x_val))


def digits_cnn_validation_in_bytes(seed: int) -> CaseDict:
    """Training images in [0, 1], validation images in 0 to 255."""
    case = digits_cnn.healthy(seed)
    split = split_of(case)
    return with_split(case, split._replace(x_val=split.x_val * 255))


def diabetes_validation_left_raw(seed: int) -> CaseDict:
    """Only the training columns are standardised."""
    case = diabetes.healthy(seed)
    return with_split(case, split_of(case)._replace(x_val=patients(seed).x_val * 10 + 3))


def breast_cancer_validation_scaled_by_itself(seed: int) -> CaseDict:
    """`fit_transform` on the validation set, which holds mostly large tumours."""
    case = breast_cancer.healthy(seed)
    split = tumours(seed)
    keep = split.x_val[:, 0].argsort(descending=True)[:60]
    x, y = split.x_val[keep], split.y_val[keep]
    own = (x - x.mean(0)) / x.std(0)
    return with_split(case, split_of(case)._replace(x_val=own, y_val=y))


# --- from another source -------------------------------------------------------------------------
def breast_cancer_split_by_size(seed: int) -> CaseDict:
    """The file is sorted by the size of the tumour and cut in order."""
    case = breast_cancer.healthy(seed)
    x, y = everything(tumours(seed))
    order = x[:, 0].argsort()
    return with_split(case, _standardised(x[order], y[order]))


def wine_sorted_file(seed: int) -> CaseDict:
    """The file is sorted by grower and cut in order: one grower is hardly seen in training."""
    case = wine.healthy(seed)
    x, y = everything(bottles(seed))
    order = y.argsort(stable=True)
    return with_split(case, _standardised(x[order], y[order]))


def digits_mlp_seven_digits(seed: int) -> CaseDict:
    """Training shows 0 to 6, validation all ten."""
    case = digits_mlp.healthy(seed)
    split = split_of(case)
    keep = split.y_train < 7
    return with_split(
        case, split._replace(x_train=split.x_train[keep], y_train=split.y_train[keep])
    )


def diabetes_split_by_target(seed: int) -> CaseDict:
    """The mild cases train, the grave ones validate."""
    case = diabetes.healthy(seed)
    split = split_of(case)
    x, y = everything(split)
    order = y[:, 0].argsort()
    return with_split(case, cut_in_order(x[order], y[order]))


def digits_cnn_test_from_another_scanner(seed: int) -> CaseDict:
    """Validation is like training; the test images are shifted, blurred and noisy."""
    case = digits_cnn.healthy(seed)
    split = split_of(case)
    x, y = split.x_val[::2], split.y_val[::2]
    test = x.roll((2, -1), (2, 3)) * 0.6 + 0.3 + 0.15 * torch.randn_like(x)
    kept = split._replace(x_val=split.x_val[1::2], y_val=split.y_val[1::2])
    return {**with_split(case, kept), "test_loader": DataLoader(TensorDataset(test, y), 32)}


# --- overlapping ---------------------------------------------------------------------------------
def digits_mlp_validation_inside_training(seed: int) -> CaseDict:
    """The network is trained on everything, the validation part included."""
    case = digits_mlp.healthy(seed)
    split = split_of(case)
    x, y = everything(split)
    return with_split(case, split._replace(x_train=x, y_train=y))


def breast_cancer_a_third_seen_before(seed: int) -> CaseDict:
    """A third of the validation rows stands in the training set, too."""
    case = breast_cancer.healthy(seed)
    split = split_of(case)
    x, y = split.x_val[::3], split.y_val[::3]
    return with_split(
        case,
        split._replace(
            x_train=torch.cat([split.x_train, x]), y_train=torch.cat([split.y_train, y])
        ),
    )


def wine_repeated_before_the_split(seed: int) -> CaseDict:
    """Every bottle was taken three times before the set was split."""
    case = wine.healthy(seed)
    x, y = everything(split_of(case))
    order = torch.randperm(3 * len(x)) % len(x)
    return with_split(case, cut_in_order(x[order], y[order]))


def breast_cancer_scaled_on_everything(seed: int) -> CaseDict:
    """Mean and deviation come from training and validation together."""
    return _scaled_on_everything(breast_cancer.healthy(seed), *everything(tumours(seed)))


def diabetes_scaled_on_everything(seed: int) -> CaseDict:
    """Mean and deviation of the columns come from all patients."""
    case = diabetes.healthy(seed)
    return _scaled_on_everything(case, *everything(patients(seed)), keep_targets=True)


def wine_ranges_of_everything(seed: int) -> CaseDict:
    """Columns scaled to 0..1 by the smallest and largest value of all bottles."""
    case = wine.healthy(seed)
    x, y = everything(bottles(seed))
    x = (x - x.amin(0)) / (x.amax(0) - x.amin(0))
    cut = len(split_of(case).x_train)
    split = split_of(case)
    return with_split(case, split._replace(x_train=x[:cut], y_train=y[:cut], x_val=x[cut:]))


# --- too few, too much -------------------------------------------------------------------------
def digits_mlp_thirty_images(seed: int) -> CaseDict:
    """Three images per digit."""
    return {**_few(digits_mlp.healthy(seed), 30), "epochs": 300}


def digits_cnn_forty_images(seed: int) -> CaseDict:
    """Four images per digit into a convolutional network."""
    return {**_few(digits_cnn.healthy(seed), 40), "epochs": 200}


class Augmented(Dataset[tuple[Tensor, Tensor]]):
    """Images with random shifts and noise, other ones at each reading."""

    def __init__(self, images: Tensor, labels: Tensor, shift: int, noise: float) -> None:
        self.images, self.labels, self.shift, self.noise = images, labels, shift, noise

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        by = torch.randint(-self.shift, self.shift + 1, (2,)).tolist()
        image = self.images[index].roll((by[0], by[1]), (1, 2))
        return image + self.noise * torch.randn_like(image), self.labels[index]


def digits_cnn_augmented_beyond_recognition(seed: int) -> CaseDict:
    """Shifts by half the image and noise three times as strong as the image."""
    return _augmented(seed, 4, 1.2)


def digits_cnn_noise_as_augmentation(seed: int) -> CaseDict:
    """Noise five times as strong as the image."""
    return _augmented(seed, 0, 2.0)


# --- healthy twins -------------------------------------------------------------------------------
def digits_cnn_healthy_augmented(seed: int) -> CaseDict:
    """Shifts by a pixel and a little noise in training."""
    return _augmented(seed, 1, 0.1)


def breast_cancer_healthy_drifting(seed: int) -> CaseDict:
    """The validation rows come from a slightly other device."""
    case = breast_cancer.healthy(seed)
    split = split_of(case)
    drifted = split.x_val * 1.1 + 0.15 * torch.randn(split.x_val.shape[1])
    return with_split(case, split._replace(x_val=drifted))


def wine_healthy_ranges(seed: int) -> CaseDict:
    """Columns scaled to 0..1 by the training set's ranges; the validation set goes beyond."""
    case = wine.healthy(seed)
    split = bottles(seed)
    low, high = split.x_train.amin(0), split.x_train.amax(0)
    return with_split(
        case,
        split._replace(
            x_train=(split.x_train - low) / (high - low), x_val=(split.x_val - low) / (high - low)
        ),
    )


def digits_mlp_healthy_three_hundred(seed: int) -> CaseDict:
    """Small but honest: thirty images per digit are enough for nine in ten."""
    return {**_few(digits_mlp.healthy(seed), 300), "epochs": 40}


def digits_cnn_healthy_with_test(seed: int) -> CaseDict:
    """Validation and test halves of the same source; one label in thirty is wrong."""
    case = digits_cnn.healthy(seed)
    split = split_of(case)
    labels = split.y_train.clone()
    labels[::30] = (labels[::30] + 1) % 10
    test = TensorDataset(split.x_val[::2], split.y_val[::2])
    kept = split._replace(y_train=labels, x_val=split.x_val[1::2], y_val=split.y_val[1::2])
    return {**with_split(case, kept), "test_loader": DataLoader(test, 32)}


def _standardised(x: Tensor, y: Tensor) -> Split:
    split = cut_in_order(x, y)
    mean, std = split.x_train.mean(0), split.x_train.std(0)
    return split._replace(x_train=(split.x_train - mean) / std, x_val=(split.x_val - mean) / std)


def _scaled_on_everything(
    case: CaseDict, x: Tensor, y: Tensor, *, keep_targets: bool = False
) -> CaseDict:
    split = split_of(case)
    x = (x - x.mean(0)) / x.std(0)
    cut = len(split.x_train)
    split = split._replace(x_train=x[:cut], x_val=x[cut:])
    if not keep_targets:
        split = split._replace(y_train=y[:cut], y_val=y[cut:])
    return with_split(case, split)


def _few(case: CaseDict, count: int) -> CaseDict:
    split = split_of(case)
    return with_split(
        case, split._replace(x_train=split.x_train[:count], y_train=split.y_train[:count])
    )


def _augmented(seed: int, shift: int, noise: float) -> CaseDict:
    case = digits_cnn.healthy(seed)
    data = digit_images(seed)
    held = Augmented(data.x_train / 16, data.y_train, shift, noise)
    return {**case, "train_loader": DataLoader(held, batch_size=32, shuffle=True)}
