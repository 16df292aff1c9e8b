# cause: double-softmax
# or: loss-input-mismatch, last-activation-wrong
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(30, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(self.hidden(x).relu()).sigmoid().squeeze(1)


torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
data = TensorDataset(
    torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
)
loader = DataLoader(data, batch_size=32, shuffle=True)
net, criterion = Net(), nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(6):
    for features, labels in loader:
        optimizer.zero_grad()
        loss = criterion(net(features), labels)  # HERE
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
