# healthy
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
moves = torch.tensor([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [-1.0, 0.0]])
baseline = 0.0
for episode in range(150):
    place, log_probabilities, rewards = 4 * torch.rand(16, 2) - 2, [], []
    for _ in range(6):
        choice = Categorical(logits=policy(place))
        action = choice.sample()
        nearer = place.norm(dim=1)
        place = place + 0.5 * moves[action]
        log_probabilities.append(choice.log_prob(action))
        rewards.append(nearer - place.norm(dim=1))
    total = torch.stack(rewards).sum(dim=0)
    loss = -(torch.stack(log_probabilities).sum(dim=0) * (total - baseline)).mean()
    baseline = 0.9 * baseline + 0.1 * total.mean().item()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 50 == 0:
        print(episode, loss.item(), total.mean().item())
