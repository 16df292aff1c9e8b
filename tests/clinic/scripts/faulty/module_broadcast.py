# cause: loss-broadcast-mistake
# module
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
data = TensorDataset(
    torch.tensor(scale(x), dtype=torch.float32), torch.tensor(scale(y), dtype=torch.float32)
)
loader = DataLoader(data, batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def train_epoch():
    for features, target in loader:
        loss = nn.functional.mse_loss(model(features), target)  # HERE
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    for epoch in range(15):
        print(epoch, train_epoch())
