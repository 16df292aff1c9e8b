# healthy
# module
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Ratings(nn.Module):
    def __init__(self, people, films, width=8):
        super().__init__()
        self.people = nn.Embedding(people, width)
        self.films = nn.Embedding(films, width)
        self.bias = nn.Embedding(films, 1)
        for table in (self.people, self.films, self.bias):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, person, film):
        score = (self.people(person) * self.films(film)).sum(1)
        return score + self.bias(film).squeeze(1)


torch.manual_seed(0)
taste, kind = torch.randn(60, 3), torch.randn(40, 3)
person, film = torch.randint(60, (4000,)), torch.randint(40, (4000,))
rating = (taste[person] * kind[film]).sum(1) + 0.1 * torch.randn(4000)
loader = DataLoader(TensorDataset(person, film, rating), batch_size=64, shuffle=True)
model = Ratings(60, 40)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
for epoch in range(6):
    for p, f, r in loader:
        loss = nn.functional.mse_loss(model(p, f), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
