"""Fine-tuning: a network that knows the digits 0 to 4 shall learn 5 to 9."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from expert.language import Text

TITLE = Text(en="The new head that never learns", zh="学不会的新输出层")
STORY = Text(
    en="A network trained on the digits 0 to 4 gets a new last layer for 5 to 9; the rest is"
    " frozen, as the tutorial says. Everything runs, the gradients of the new layer are there, and"
    " yet the loss is the same after every epoch, 1.61.",
    zh="一个在数字 0 到 4 上训练好的网络换上了识别 5 到 9 的新输出层，其余部分按教程冻结。"
    "一切都能运行，新层也有梯度，但每个 epoch 之后损失都是 1.61。",
)


class Net(nn.Module):
    """A backbone and a head for five classes."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        self.head = nn.Linear(128, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the five classes."""
        logits: Tensor = self.head(self.backbone(x))
        return logits


def pretrain(model: Net, x: Tensor, y: Tensor) -> None:
    """Train the whole network on the old digits."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    for _ in range(10):
        for inputs, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    optimizer.zero_grad()


def case() -> dict[str, object]:
    """Return the model with everything it is trained with."""
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    x = torch.tensor(pixels, dtype=torch.float32) / 16
    y = torch.tensor(labels)
    old, new = y < 5, y >= 5

    model = Net()
    pretrain(model, x[old], y[old])
    for parameter in model.backbone.parameters():
        parameter.requires_grad = False

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.head = nn.Linear(128, 5)

    x_new, y_new = x[new], y[new] - 5
    train = TensorDataset(x_new[:700], y_new[:700])
    val = TensorDataset(x_new[700:], y_new[700:])
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "train_loader": DataLoader(train, batch_size=32, shuffle=True),
        "val_loader": DataLoader(val, batch_size=64),
        "epochs": 10,
    }
