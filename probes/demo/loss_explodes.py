"""Handwritten digits with a fully connected network."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from expert.language import Text

TITLE = Text(en="The loss that leaps", zh="突然飙升的损失")
STORY = Text(
    en="A network of three layers on handwritten digits. In the first batches the loss leaps from"
    " 2.3 into the hundreds; afterwards it hovers around 2.45, and one digit in ten is right. The"
    " owner is sure of the data: a random forest gets 97 % with it.",
    zh="一个三层网络识别手写数字。前几个批次中损失就从 2.3 飙升到几百，"
    "随后一直在 2.45 上下徘徊，十个数字只对一个。作者确信数据没有问题：随机森林用它能达到 97%。",
)


def case() -> dict[str, object]:
    """Return the model with everything it is trained with."""
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    x = torch.tensor(pixels, dtype=torch.float32)
    x = x / 8 - 1  # pixels are 0 to 16
    y = torch.tensor(labels)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=0)

    model = nn.Sequential(
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "train_loader": DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True),
        "val_loader": DataLoader(TensorDataset(x_val, y_val), batch_size=64),
        "epochs": 10,
    }
