# cause: parameters-not-in-optimizer
# needs: accelerate
import torch
from accelerate import Accelerator
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
accelerator = Accelerator(cpu=True)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1000))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)  # HERE
model[2] = nn.Linear(64, 10)
model, optimizer, loader = accelerator.prepare(
    model, optimizer, DataLoader(data, batch_size=64, shuffle=True)
)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(4):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(images), labels)
        accelerator.backward(loss)
        optimizer.step()
    accelerator.print(epoch, loss.item())
