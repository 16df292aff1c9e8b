# cause: amp-overflow
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
data = TensorDataset(
    torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
)
loader = DataLoader(data, batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=1, backoff_factor=0.99)
for epoch in range(6):
    for features, target in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = 1000 * nn.functional.mse_loss(model(features), target)
        scaler.scale(loss).backward()  # HERE
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item())
