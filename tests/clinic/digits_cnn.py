"""Convolutional networks on the digits, with and without batch norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .data import CaseDict, Split, digit_images, loaders


class Net(nn.Module):
    """Two convolutions and two linear layers; returns logits (N, 10)."""

    def __init__(self, dropout: float = 0.25) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def features(self, x: Tensor) -> Tensor:
        """Return the hidden features, (N, 64)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        features: Tensor = self.dropout(F.relu(self.fc1(x.flatten(1))))
        return features

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.features(x))
        return out


class LogSoftmaxNet(Net):
    """Returns log-probabilities, for NLLLoss."""

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(super().forward(x), dim=1)


class SoftmaxNet(Net):
    """Returns probabilities."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(super().forward(x), dim=1)


class StandardisingNet(Net):
    """Standardises each pixel over the batch, also those that are always zero."""

    def forward(self, x: Tensor) -> Tensor:
        x = (x - x.mean(dim=0)) / x.std(dim=0)
        return super().forward(x)


def healthy(seed: int) -> CaseDict:
    """Convolutions with dropout on pixels in [0, 1], Adam."""
    torch.manual_seed(seed)
    return _with_adam(Net(), _unit_range(seed))


def healthy_log_softmax(seed: int) -> CaseDict:
    """Log-softmax with NLLLoss, which belong together; AdamW."""
    torch.manual_seed(seed)
    model = LogSoftmaxNet(dropout=0.5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    return {**_case(model, optimizer, _unit_range(seed)), "loss_fn": nn.NLLLoss()}


def healthy_batch_norm(seed: int) -> CaseDict:
    """Convolutions with batch norm, SGD with momentum and weight decay, on raw pixels."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    return _case(model, optimizer, digit_images(seed), batch_size=64)


def double_softmax(seed: int) -> CaseDict:
    """Softmax in the network and again in the loss."""
    torch.manual_seed(seed)
    model = SoftmaxNet()
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.05), _unit_range(seed))


def adam_learning_rate_one(seed: int) -> CaseDict:
    """Adam with a learning rate of 1."""
    torch.manual_seed(seed)
    return _with_adam(Net(), _unit_range(seed), lr=1.0)


def learning_rate_tiny(seed: int) -> CaseDict:
    """SGD with a learning rate of 1e-5."""
    torch.manual_seed(seed)
    model = Net()
    return _case(model, torch.optim.SGD(model.parameters(), lr=1e-5), _unit_range(seed))


def sorted_by_class(seed: int) -> CaseDict:
    """Samples sorted by class, as a folder per class gives them, and not shuffled."""
    torch.manual_seed(seed)
    data = _unit_range(seed)
    order = data.y_train.argsort(stable=True)
    data = data._replace(x_train=data.x_train[order], y_train=data.y_train[order])
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return _case(model, optimizer, data, batch_size=16, shuffle=False)


def integer_division(seed: int) -> CaseDict:
    """Pixels divided as integers: nothing but zeros remains."""
    torch.manual_seed(seed)
    data = digit_images(seed)
    data = data._replace(x_train=data.x_train // 255, x_val=data.x_val // 255)
    return _with_adam(Net(), data)


def always_the_first_image(seed: int) -> CaseDict:
    """A dataset whose index is lost: each item shows the first image."""
    torch.manual_seed(seed)
    data = _unit_range(seed)
    data = data._replace(x_train=data.x_train[:1].expand_as(data.x_train).clone())
    return _with_adam(Net(), data)


def one_batch_again_and_again(seed: int) -> CaseDict:
    """`next(iter(loader))` in the loop: the first batch every time."""
    torch.manual_seed(seed)
    data = _unit_range(seed)
    loader = DataLoader(TensorDataset(data.x_train, data.y_train), batch_size=32)
    case = _with_adam(Net(), data)
    return {**case, "train_loader": [next(iter(loader)) for _ in range(len(loader))]}


def loss_without_graph(seed: int) -> CaseDict:
    """The loss is computed in NumPy, and `requires_grad_` hides the error."""
    torch.manual_seed(seed)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        images, labels = batch
        probabilities = F.softmax(model(images), dim=1).detach().numpy()
        loss = F.nll_loss(torch.from_numpy(probabilities).log(), labels)
        return loss.requires_grad_()

    case = _with_adam(Net(), _unit_range(seed))
    del case["loss_fn"]
    return {**case, "step": step}


def sign_lost_in_the_loss(seed: int) -> CaseDict:
    """A cross-entropy written by hand, without its minus."""
    torch.manual_seed(seed)

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        log_probabilities = F.log_softmax(logits, dim=1)
        return log_probabilities.gather(1, labels[:, None]).mean()

    return {**_with_adam(Net(), _unit_range(seed)), "loss_fn": loss_fn}


def division_by_zero_deviation(seed: int) -> CaseDict:
    """Standardising inside the model without an epsilon: NaN where a pixel never changes."""
    torch.manual_seed(seed)
    return _with_adam(StandardisingNet(), _unit_range(seed))


def _unit_range(seed: int) -> Split:
    data = digit_images(seed)
    return data._replace(x_train=data.x_train / 16, x_val=data.x_val / 16)


def _with_adam(model: nn.Module, data: Split, lr: float = 1e-3) -> CaseDict:
    return _case(model, torch.optim.Adam(model.parameters(), lr=lr), data)


def _case(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Split,
    batch_size: int = 32,
    shuffle: bool = True,
) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 12,
        **loaders(data, batch_size, shuffle),
    }
