# healthy
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
x = torch.tensor(scale(x), dtype=torch.float32)
y = torch.tensor(scale(y), dtype=torch.float32)
weight = torch.zeros(10, requires_grad=True)
bias = torch.zeros((), requires_grad=True)
for step in range(200):
    loss = (x @ weight + bias - y).square().mean()
    loss.backward()
    with torch.no_grad():
        for parameter in (weight, bias):
            parameter -= 0.05 * parameter.grad
            parameter.grad = None
    if step % 50 == 0:
        print(step, loss.item())
