"""Handwritten digits with a small convolutional network."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from expert.language import Text

TITLE = Text(en="The loss that gets stuck high up", zh="降不下来的损失")
STORY = Text(
    en="A small convolutional network reads handwritten digits. For six epochs the loss hardly"
    " leaves 2.30; then it falls to 1.8 and gets stuck there, with a third of the digits wrong."
    " There is no error and no warning.",
    zh="一个小型卷积网络识别手写数字。前六个 epoch 损失几乎停在 2.30，"
    "随后降到 1.8 就卡住了，三分之一的数字识别错误。没有报错，也没有警告。",
)


class DigitNet(nn.Module):
    """Two convolutions, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the probabilities of the ten digits."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.softmax(self.fc2(x), dim=1)


def make_loaders() -> tuple[DataLoader[tuple[Tensor, ...]], DataLoader[tuple[Tensor, ...]]]:
    """Return the loaders of the training and the validation set."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    x_train, x_val, y_train, y_val = train_test_split(images, labels, test_size=0.2, random_state=0)
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    val_loader = DataLoader(TensorDataset(x_val, y_val), batch_size=64)
    return train_loader, val_loader


def case() -> dict[str, object]:
    """Return the model with everything it is trained with."""
    torch.manual_seed(0)
    train_loader, val_loader = make_loaders()
    model = DigitNet()
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9),
        "train_loader": train_loader,
        "val_loader": val_loader,
        "epochs": 10,
    }
