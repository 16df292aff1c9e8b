# cause: missing-zero-grad
# needs: accelerate
import torch
from accelerate import Accelerator
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
accelerator = Accelerator(cpu=True)
x, y = load_breast_cancer(return_X_y=True)
data = TensorDataset(torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y))
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
loader = DataLoader(data, batch_size=32, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(8):
    for features, labels in loader:
        loss = nn.functional.cross_entropy(model(features), labels)
        accelerator.backward(loss)
        optimizer.step()  # HERE
    accelerator.print(epoch, loss.item())
