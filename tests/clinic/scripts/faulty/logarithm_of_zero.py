# cause: numeric-instability
import torch
from torch import nn

torch.manual_seed(0)
x = 3 * torch.randn(512, 6)
y = (x.sum(dim=1) > 0).float()
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(300):
    optimizer.zero_grad()
    p = model(x).squeeze(1)
    loss = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()
    loss.backward()  # HERE
    optimizer.step()
    if epoch % 50 == 0:
        print(epoch, loss.item())
