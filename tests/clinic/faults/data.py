"""What goes wrong with samples, labels and batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..changed import in_order, split_of, with_split
from ..data import CaseDict, Split


def times(case: CaseDict, factor: float, plus: float = 0.0) -> CaseDict:
    """All inputs multiplied, of both sets."""
    return _inputs(case, lambda x: x * factor + plus)


def one_column_times(case: CaseDict, factor: float) -> CaseDict:
    """One column in a smaller unit than the others."""

    def scaled(x: Tensor) -> Tensor:
        return torch.cat([x[:, :1] * factor, x[:, 1:]], dim=1)

    return _inputs(case, scaled)


def target_times(case: CaseDict, factor: float, plus: float = 0.0) -> CaseDict:
    """All targets multiplied, of both sets."""
    return _targets(case, lambda y: y * factor + plus)


def labels_plus(case: CaseDict, by: int = 1) -> CaseDict:
    """Classes counted from one."""
    return _targets(case, lambda y: y + by)


def labels_signed(case: CaseDict) -> CaseDict:
    """Labels -1 and 1 where 0 and 1 are meant."""
    return _targets(case, lambda y: y * 2 - 1)


def flat_target(case: CaseDict) -> CaseDict:
    """Targets (N,) beside outputs (N, 1)."""
    return _targets(case, lambda y: y[:, 0])


def zeroed(case: CaseDict) -> CaseDict:
    """Every training input is zero: a mask multiplied the wrong way round."""
    split = split_of(case)
    return with_split(case, split._replace(x_train=torch.zeros_like(split.x_train)))


def one_sample_for_all(case: CaseDict) -> CaseDict:
    """An index lost: every item is the first one."""
    split = split_of(case)
    x = split.x_train[:1].expand_as(split.x_train).clone()
    return with_split(case, split._replace(x_train=x))


def sprinkled(case: CaseDict, value: float, share: float) -> CaseDict:
    """A share of the training inputs' values replaced."""
    split = split_of(case)
    x = split.x_train.clone()
    x[torch.rand_like(x) < share] = value
    return with_split(case, split._replace(x_train=x))


def one_ruined_sample(case: CaseDict, value: float = torch.nan) -> CaseDict:
    """A single broken file among the training samples."""
    split = split_of(case)
    x = split.x_train.clone()
    x[len(x) // 3] = value
    return with_split(case, split._replace(x_train=x))


def few(case: CaseDict, samples: int, epochs: int) -> CaseDict:
    """Only the first samples are there."""
    split = split_of(case)
    x, y = split.x_train[:samples], split.y_train[:samples]
    return {**with_split(case, split._replace(x_train=x, y_train=y)), "epochs": epochs}


def one_class_among_few(case: CaseDict, keep: int, label: float = 0.0) -> CaseDict:
    """All samples of one class and `keep` of all others; in validation as many in proportion."""
    split = split_of(case)
    train = _unbalanced(split.y_train, keep, label)
    share = len(split.y_val) / len(split.y_train)
    val = _unbalanced(split.y_val, max(1, round(keep * share)), label)
    return with_split(
        case, Split(split.x_train[train], split.y_train[train], split.x_val[val], split.y_val[val])
    )


def _unbalanced(y: Tensor, keep: int, label: float) -> Tensor:
    own = (y.flatten() == label).nonzero()[:, 0]
    other = (y.flatten() != label).nonzero()[:keep, 0]
    return torch.cat([own, other])


def sorted_by_target(case: CaseDict, size: int | None = None) -> CaseDict:
    """The file is sorted by its last column and read in order."""
    split = split_of(case)
    order = split.y_train.flatten().argsort(stable=True)
    return in_order(case, split.x_train[order], split.y_train[order], size)


def session_by_session(case: CaseDict, sessions: int = 4) -> CaseDict:
    """Recorded in sessions, each with a few classes of its own; read in order."""
    split = split_of(case)
    labels = split.y_train.flatten()
    rank = labels.argsort(stable=True).argsort()
    session = rank * sessions // len(labels)
    order = (session * len(labels) + torch.randperm(len(labels))).argsort()
    return in_order(case, split.x_train[order], split.y_train[order])


def the_first_batch_only(case: CaseDict) -> CaseDict:
    """`next(iter(loader))` in the loop: the first batch every time."""
    count = len(case["train_loader"])
    batch = next(iter(case["train_loader"]))
    return {**case, "train_loader": [batch] * count}


def labels_of_others(case: CaseDict) -> CaseDict:
    """Inputs and labels were shuffled apart."""
    split = split_of(case)
    order = torch.randperm(len(split.y_train))
    return with_split(case, split._replace(y_train=split.y_train[order]))


def wrong_labels(case: CaseDict, share: float, classes: int) -> CaseDict:
    """A share of the training labels is another class."""
    split = split_of(case)
    labels = split.y_train
    wrong = torch.rand(labels.shape) < share
    other = (labels + torch.randint(1, classes, labels.shape)) % classes
    return with_split(case, split._replace(y_train=torch.where(wrong, other, labels)))


def validation_times(case: CaseDict, factor: float, plus: float = 0.0) -> CaseDict:
    """The validation inputs are prepared otherwise."""
    split = split_of(case)
    return with_split(case, split._replace(x_val=split.x_val * factor + plus))


def validation_inside_training(case: CaseDict, every: int = 1) -> CaseDict:
    """Validation samples stand in the training set, too."""
    split = split_of(case)
    x = torch.cat([split.x_train, split.x_val[::every]])
    y = torch.cat([split.y_train, split.y_val[::every]])
    return with_split(case, split._replace(x_train=x, y_train=y))


class Disturbed(Dataset[tuple[Tensor, Tensor]]):
    """Samples with noise that differs at each reading."""

    def __init__(self, x: Tensor, y: Tensor, noise: float) -> None:
        self.x, self.y, self.noise = x, y, noise

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = self.x[index]
        return x + self.noise * torch.randn_like(x), self.y[index]


def noise_added(case: CaseDict, noise: float) -> CaseDict:
    """Noise as augmentation; `noise` in deviations of the inputs."""
    split = split_of(case)
    held = Disturbed(split.x_train, split.y_train, noise * float(split.x_train.std()))
    size = case["train_loader"].batch_size
    return {**case, "train_loader": DataLoader(held, batch_size=size, shuffle=True)}


def in_batches_of(case: CaseDict, size: int, epochs: int | None = None) -> CaseDict:
    """The training set in batches of another size; 0: the whole set."""
    data = case["train_loader"].dataset
    loader = DataLoader(data, batch_size=size or len(data), shuffle=True)
    return {**case, "train_loader": loader, "epochs": epochs or case["epochs"]}


def for_epochs(case: CaseDict, epochs: int) -> CaseDict:
    """Another number of epochs."""
    return {**case, "epochs": epochs}


def _inputs(case: CaseDict, change: Callable[[Tensor], Tensor]) -> CaseDict:
    split = split_of(case)
    return with_split(
        case, split._replace(x_train=change(split.x_train), x_val=change(split.x_val))
    )


def _targets(case: CaseDict, change: Callable[[Tensor], Tensor]) -> CaseDict:
    split = split_of(case)
    return with_split(
        case, Split(split.x_train, change(split.y_train), split.x_val, change(split.y_val))
    )
