# healthy
import torch
from torch import nn

torch.manual_seed(0)
wave = torch.sin(torch.arange(0, 400.25, 0.25))
inputs, targets = wave[:-1].view(8, -1, 1)[:, :190], wave[1:].view(8, -1, 1)[:, :190]
lstm, head = nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1)
model = nn.ModuleDict({"lstm": lstm, "head": head})
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
for epoch in range(10):
    state = None
    for start in range(0, 190, 19):
        x, y = inputs[:, start : start + 19], targets[:, start : start + 19]
        hidden, state = lstm(x, state)
        loss = nn.functional.mse_loss(head(hidden), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        state = tuple(part.detach() for part in state)
    print(epoch, loss.item())
