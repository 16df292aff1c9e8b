# cause: missing-optimizer-step
import threading

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
data = TensorDataset(torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y))
loader = DataLoader(data, batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
history = []


def train():
    for _ in range(10):
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features), labels)
            loss.backward()  # HERE
            history.append(loss.item())


worker = threading.Thread(target=train)
worker.start()
worker.join()
print(history[0], history[-1])
