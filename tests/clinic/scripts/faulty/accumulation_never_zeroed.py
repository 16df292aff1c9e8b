# cause: missing-zero-grad
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
accumulate = 4
for epoch in range(4):
    for index, (images, labels) in enumerate(loader, 1):
        loss = nn.functional.cross_entropy(model(images), labels) / accumulate
        loss.backward()
        if index % accumulate == 0:
            optimizer.step()  # HERE
    print(epoch, loss.item() * accumulate)
