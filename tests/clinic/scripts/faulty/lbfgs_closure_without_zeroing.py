# cause: missing-zero-grad
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
x, y = torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y)
model = nn.Sequential(nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=10)


def closure():
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    return loss


for step in range(12):
    loss = optimizer.step(closure)  # HERE
    print(step, loss.item())
