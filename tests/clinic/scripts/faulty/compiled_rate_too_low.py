# cause: learning-rate-too-low
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
fast = torch.compile(model, backend="aot_eager")
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)  # HERE
for epoch in range(6):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(fast(images), labels)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
