# cause: overfitting
# or: too-few-samples, no-regularization
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
x, y = torch.tensor(scale(x)).float(), torch.tensor(scale(y)).float()[:, None]
train = DataLoader(TensorDataset(x[:80], y[:80]), batch_size=16, shuffle=True)
held_out = DataLoader(TensorDataset(x[80:], y[80:]), batch_size=128)
model = nn.Sequential(
    nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(80):
    model.train()
    for features, target in train:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(features), target)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        losses = [nn.functional.mse_loss(model(a), b).item() for a, b in held_out]
    if epoch % 20 == 0:
        print(epoch, loss.item(), sum(losses) / len(losses))
