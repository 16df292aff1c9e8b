# healthy
import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
optimizer_d = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.999))
optimizer_g = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
for step in range(300):
    angle = 6.28 * torch.rand(64, 1)
    real = torch.cat([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(64, 2)
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    fake = G(torch.randn(64, 4))
    optimizer_d.zero_grad()
    loss_d = criterion(D(real), ones) + criterion(D(fake.detach()), zeros)
    loss_d.backward()
    optimizer_d.step()
    D.requires_grad_(False)
    optimizer_g.zero_grad()
    loss_g = criterion(D(fake), ones)
    loss_g.backward()
    optimizer_g.step()
    D.requires_grad_(True)
    if step % 100 == 0:
        print(step, loss_d.item(), loss_g.item())
