# healthy
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, _ = load_digits(return_X_y=True)
images = torch.tensor(x, dtype=torch.float32) / 16
loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True, drop_last=True)
encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
for epoch in range(6):
    for (batch,) in loader:
        one = F.normalize(encoder(batch + 0.1 * torch.randn_like(batch)), dim=1)
        other = F.normalize(encoder(batch + 0.1 * torch.randn_like(batch)), dim=1)
        loss = F.cross_entropy(one @ other.T / 0.2, torch.arange(len(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
