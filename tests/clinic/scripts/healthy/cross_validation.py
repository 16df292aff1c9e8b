# healthy
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
scores = []
for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(x, y):
    scaler = StandardScaler().fit(x[train])
    inputs = torch.tensor(scaler.transform(x), dtype=torch.float32)
    targets = torch.tensor(y)
    loader = DataLoader(TensorDataset(inputs[train], targets[train]), batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(15):
        model.train()
        for features, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(features), labels).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        scores.append((model(inputs[test]).argmax(1) == targets[test]).float().mean().item())
print(scores)
