# cause: single-label-batches
# or: not-shuffled
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class ByClass(Dataset):
    def __init__(self):
        x, y = load_digits(return_X_y=True)
        order = y.argsort(kind="stable")
        self.x = torch.tensor(x[order], dtype=torch.float32) / 16
        self.y = torch.tensor(y[order])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


if __name__ == "__main__":
    torch.manual_seed(0)
    loader = DataLoader(ByClass(), batch_size=32, num_workers=2)  # HERE
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
