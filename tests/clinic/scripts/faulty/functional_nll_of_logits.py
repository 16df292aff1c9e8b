# cause: loss-input-mismatch
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
w1 = (0.1 * torch.randn(64, 32)).requires_grad_()
w2 = (0.1 * torch.randn(32, 10)).requires_grad_()
optimizer = torch.optim.Adam([w1, w2], lr=1e-2)
for step in range(150):
    rows = torch.randint(len(x), (64,))
    logits = F.relu(x[rows] @ w1) @ w2
    loss = F.nll_loss(logits, y[rows])  # HERE
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
