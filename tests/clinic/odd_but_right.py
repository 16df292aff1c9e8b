"""Healthy cases that look ill: slow, small, noisy by nature, or of an unusual style."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from . import breast_cancer, diabetes, digits_cnn, digits_mlp, plane, wine
from .changed import split_of, with_model, with_split
from .data import CaseDict, Split, loaders
from .faults import data, network, practice, workers

# --- slow ----------------------------------------------------------------------------------------


def slow_spirals(seed: int) -> CaseDict:
    """A small rate, and epochs enough for it."""
    return {**practice.adam(plane.healthy(seed), 1e-3), "epochs": 120}


def slow_digits(seed: int) -> CaseDict:
    """Plain SGD at a cautious rate, for sixty epochs."""
    return {**practice.sgd(digits_mlp.healthy(seed), 0.01), "epochs": 60}


# --- in worker processes -------------------------------------------------------------------------


def noise_in_two_workers(seed: int) -> CaseDict:
    """Mild noise from torch's own generator, which is seeded in every worker."""
    return workers.noise_in_two_workers(digits_mlp.healthy(seed))


# --- small ---------------------------------------------------------------------------------------


def forty_bottles(seed: int) -> CaseDict:
    """Forty bottles are enough for three growers who differ."""
    return data.few(wine.healthy(seed), 40, 40)


def sixty_tumours(seed: int) -> CaseDict:
    """Sixty rows, a small network with dropout and weight decay."""
    case = network.mlp(breast_cancer.healthy(seed), [30, 16, 1], dropout=0.3)
    case = data.few(case, 60, 30)
    return practice.optimized_by(case, torch.optim.AdamW, lr=3e-3, weight_decay=0.05)


# --- noisy by nature -----------------------------------------------------------------------------


def half_noise_regression(seed: int) -> CaseDict:
    """Half of the target is noise: the loss stays at a half, and that is all there is."""
    torch.manual_seed(seed)
    x = torch.randn(1500, 6)
    signal = x[:, :1] + x[:, 1:2].abs() - 0.8
    y = signal / signal.std() + torch.randn(1500, 1)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    return _case(model, nn.MSELoss(), (x, y / y.std()), 3e-3, 10)


def overlapping_classes(seed: int) -> CaseDict:
    """Two clouds that overlap: three in four is the most that can be told."""
    torch.manual_seed(seed)
    y = torch.randint(2, (2000,))
    x = torch.randn(2000, 8) + 0.24 * (2 * y[:, None] - 1.0)
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
    return _case(model, nn.CrossEntropyLoss(), (x, y), 2e-3, 8)


def parity_of_three(seed: int) -> CaseDict:
    """The parity of three signs among eight: no column tells anything by itself."""
    torch.manual_seed(seed)
    x = torch.randint(2, (3000, 8)) * 2.0 - 1
    y = (x[:, :3].prod(dim=1) > 0).long()
    model = nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)
    )
    return _case(model, nn.CrossEntropyLoss(), (x, y), 3e-3, 15)


# --- of another style ----------------------------------------------------------------------------


def label_smoothing(seed: int) -> CaseDict:
    """Smoothed labels: the loss never comes near zero."""
    return practice.loss(digits_cnn.healthy(seed), nn.CrossEntropyLoss(label_smoothing=0.15))


def summed_loss(seed: int) -> CaseDict:
    """A loss summed over the batch, with a rate to match."""
    case = practice.sgd(digits_mlp.healthy(seed), 0.1 / 32)
    return practice.loss(case, nn.CrossEntropyLoss(reduction="sum"))


def one_hot_targets(seed: int) -> CaseDict:
    """Cross-entropy of class probabilities, which torch takes, too."""
    case = digits_mlp.healthy(seed)
    split = split_of(case)
    train, val = (F.one_hot(y, 10).float() for y in (split.y_train, split.y_val))
    return with_split(case, split._replace(y_train=train, y_val=val))


def one_hot_squared(seed: int) -> CaseDict:
    """Squared error of one-hot classes, as some like it."""
    return practice.loss(one_hot_targets(seed), nn.MSELoss())


def self_normalising(seed: int) -> CaseDict:
    """SELU with LeCun's weights and alpha dropout."""
    torch.manual_seed(seed)
    case = digits_mlp.healthy(seed)
    layers: list[nn.Module] = []
    for before, after in ((64, 96), (96, 96), (96, 96)):
        layers += [nn.Linear(before, after), nn.SELU(), nn.AlphaDropout(0.05)]
    model = nn.Sequential(*layers, nn.Linear(96, 10))
    for layer in network.layers_of(model):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
        nn.init.zeros_(layer.bias)
    return with_model(case, model)


def balanced_by_sampling(seed: int) -> CaseDict:
    """One class in nine, drawn as often as the other."""
    case = breast_cancer.healthy(seed)
    split = split_of(data.one_class_among_few(case, 30, 1.0))
    share = split.y_train.mean()
    weights = torch.where(split.y_train[:, 0] > 0.5, 1 - share, share)
    sampler = WeightedRandomSampler(weights.tolist(), len(weights))
    loader = DataLoader(TensorDataset(split.x_train, split.y_train), 16, sampler=sampler)
    return {**case, "train_loader": loader}


def share_as_target(seed: int) -> CaseDict:
    """A target between 0 and 1 and a sigmoid at the end: they belong together."""
    case = diabetes.healthy(seed)
    split = split_of(case)
    low, high = split.y_train.min(), split.y_train.max()
    case = with_split(
        case,
        split._replace(
            y_train=(split.y_train - low) / (high - low), y_val=(split.y_val - low) / (high - low)
        ),
    )
    return network.ends_in(practice.adam(case, 5e-3), torch.sigmoid)


def unshuffled_but_mixed(seed: int) -> CaseDict:
    """Never shuffled, but the file is in no order: nothing is lost by that."""
    case = digits_mlp.healthy(seed)
    split = split_of(case)
    loader = DataLoader(TensorDataset(split.x_train, split.y_train), batch_size=32)
    return {**case, "train_loader": loader}


def _case(
    model: nn.Module, loss_fn: nn.Module, xy: tuple[Tensor, Tensor], lr: float, epochs: int
) -> CaseDict:
    x, y = xy
    cut = len(x) * 4 // 5
    return {
        "model": model,
        "loss_fn": loss_fn,
        "optimizer": torch.optim.Adam(model.parameters(), lr=lr),
        "epochs": epochs,
        **loaders(Split(x[:cut], y[:cut], x[cut:], y[cut:]), batch_size=32),
    }
