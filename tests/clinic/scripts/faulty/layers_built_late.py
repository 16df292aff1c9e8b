# cause: parameters-not-in-optimizer
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Linear(64, 64)
        self.head = None
        self.classes = classes

    def forward(self, x):
        x = self.body(x).relu()
        if self.head is None:
            self.head = nn.Linear(x.shape[1], self.classes)
        return self.head(x)


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=64, shuffle=True)
model = Net(10)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # HERE
for epoch in range(4):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
