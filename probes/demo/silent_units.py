"""Handwritten digits with a network that should be sparse."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from expert.language import Text

TITLE = Text(en="The silent network", zh="沉默的网络")
STORY = Text(
    en="The owner wanted sparse activations and gave the hidden layers a bias of his own. Now the"
    " loss stays at 2.30 from the first epoch to the last: one digit in ten is right, which is what"
    " guessing gives. A smaller and a larger learning rate change nothing.",
    zh="作者想要稀疏的激活，于是自己设定了隐藏层的偏置。"
    "现在损失从第一个到最后一个 epoch 都停在 2.30：十个数字只对一个，与瞎猜无异。"
    "调小或调大学习率都没有用。",
)


class SparseNet(nn.Module):
    """Two hidden layers, few of whose units shall fire."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(64, 128)
        self.hidden2 = nn.Linear(128, 64)
        self.out = nn.Linear(64, 10)
        for layer in (self.hidden1, self.hidden2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.bias, -10.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the ten digits."""
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        logits: torch.Tensor = self.out(x)
        return logits


def case() -> dict[str, object]:
    """Return the model with everything it is trained with."""
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    x = torch.tensor(pixels, dtype=torch.float32)
    x = x / 8 - 1  # pixels are 0 to 16
    y = torch.tensor(labels)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=0)

    model = SparseNet()
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=1e-3),
        "train_loader": DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True),
        "val_loader": DataLoader(TensorDataset(x_val, y_val), batch_size=64),
        "epochs": 10,
    }
