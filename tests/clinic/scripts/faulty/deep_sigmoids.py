# cause: vanishing-gradient
# or: saturated-activation
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=64, shuffle=True)
layers = [nn.Linear(64, 64), nn.Sigmoid()]
for _ in range(7):
    layers += [nn.Linear(64, 64), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(64, 10))  # HERE
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(6):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
