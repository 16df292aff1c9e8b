# cause: unnormalized-target
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
data = TensorDataset(
    torch.tensor(scale(x), dtype=torch.float32),
    1000 * torch.tensor(y, dtype=torch.float32)[:, None],
)
loader = DataLoader(data, batch_size=32, shuffle=True)  # HERE
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(12):
    for features, target in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(features), target)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
