# cause: missing-optimizer-step
# or: parameters-not-in-optimizer
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
images = torch.tensor(x, dtype=torch.float32) / 16
loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True)
encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 8))
decoder = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 64))
optimizer_of_encoder = torch.optim.Adam(encoder.parameters(), lr=1e-3)
optimizer_of_decoder = torch.optim.Adam(decoder.parameters(), lr=1e-3)  # HERE
for epoch in range(6):
    for (batch,) in loader:
        optimizer_of_encoder.zero_grad()
        optimizer_of_decoder.zero_grad()
        loss = nn.functional.mse_loss(decoder(encoder(batch)), batch)
        loss.backward()
        optimizer_of_encoder.step()
    print(epoch, loss.item())
