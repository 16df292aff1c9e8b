# healthy
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)
model = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 10))


@torch.compile(backend="aot_eager")
def loss_of(images, labels):
    return nn.functional.cross_entropy(model(images), labels)


optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = loss_of(images, labels)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
