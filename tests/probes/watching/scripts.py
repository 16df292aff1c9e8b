"""Training scripts with a known fault, or known health; `# <- NAME` marks a line to be named."""

from __future__ import annotations

from typing import Final

HEAD: Final = """\
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] + 0.5 * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long()
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)  # <- loader


def make(*ending):
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3), *ending)  # <- model


"""

_LOOP = """\
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)  # <- loss
        loss.backward()  # <- backward
        optimizer.step()  # <- step
        print(repr(loss.item()))
"""

_MADE = "model = make()\noptimizer = torch.optim.Adam(model.parameters(), lr=0.01)\n"

#: name -> (script, the cause that must come first, the fact places -> marks)
FAULTY: Final[dict[str, tuple[str, str, str]]] = {
    "missing zero_grad": (
        HEAD + _MADE + _LOOP.replace("        optimizer.zero_grad()\n", ""),
        "missing-zero-grad",
        "step",
    ),
    "missing step": (
        HEAD + _MADE + _LOOP.replace("        optimizer.step()  # <- step\n", ""),
        "missing-optimizer-step",
        "backward",
    ),
    "softmax before cross-entropy": (
        HEAD + _MADE.replace("make()", "make(nn.Softmax(dim=1))") + _LOOP,
        "double-softmax",
        "loss",
    ),
    "softmax in the loop": (
        HEAD + _MADE + _LOOP.replace("model(xb)", "torch.softmax(model(xb), dim=1)"),
        "double-softmax",
        "loss",
    ),
    "rate far too high": (
        HEAD
        + "model = make()\noptimizer = torch.optim.SGD(model.parameters(), lr=300.0)  # <- made\n"
        + _LOOP,
        "learning-rate-too-high",
        "made",
    ),
    "broadcast in the loss": (
        HEAD
        + """\
t = x[:, 0] + 0.1 * torch.randn(512)
loader = DataLoader(TensorDataset(x, t), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_fn = nn.MSELoss()
for epoch in range(8):
    for xb, tb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), tb)  # <- loss
        loss.backward()
        optimizer.step()
""",
        "loss-broadcast-mistake",
        "loss",
    ),
    "broadcast in a loss by hand": (
        HEAD
        + """\
t = x[:, 0] + 0.1 * torch.randn(512)
loader = DataLoader(TensorDataset(x, t), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(8):
    for xb, tb in loader:
        optimizer.zero_grad()
        loss = ((model(xb) - tb) ** 2).mean()
        loss.backward()  # <- backward
        optimizer.step()
""",
        "loss-broadcast-mistake",
        "backward",
    ),
    "sorted labels": (
        HEAD
        + "order = y.argsort()\n"
        + "loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=32)  # <- sorted\n"
        + _MADE
        + _LOOP,
        "not-shuffled",
        "sorted",
    ),
    "left in evaluation mode": (
        HEAD
        + """\
model = nn.Sequential(  # <- net
    nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
held_out = DataLoader(TensorDataset(x[:128], y[:128]), batch_size=64)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for xb, yb in held_out:
            F.cross_entropy(model(xb), yb)
""",
        "eval-mode-wrong",
        "net",
    ),
    "detached output": (
        HEAD + _MADE + _LOOP.replace("model(xb)", "model(xb).detach().requires_grad_()"),
        "graph-detached",
        "model",
    ),
    "the same batch again": (
        HEAD
        + "loader = DataLoader(TensorDataset(x, y), batch_size=32)  # <- again\n"
        + _MADE
        + """\
for step in range(100):
    xb, yb = next(iter(loader))
    optimizer.zero_grad()
    F.cross_entropy(model(xb), yb).backward()
    optimizer.step()
""",
        "repeated-batch",
        "again",
    ),
    "validation in training mode": (
        HEAD
        + """\
model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
held_out = DataLoader(TensorDataset(x[:128], y[:128]), batch_size=64)  # <- held out
for epoch in range(6):
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    with torch.no_grad():
        print(sum(F.cross_entropy(model(xb), yb).item() for xb, yb in held_out))
""",
        "evaluated-in-training-mode",
        "held out",
    ),
    "scheduler that kills the rate": (
        HEAD
        + _MADE
        + "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, gamma=0.1)  # <- scheduler\n"
        + _LOOP
        + "        scheduler.step()\n",
        "lr-schedule-wrong",
        "scheduler",
    ),
    "parameters of another model": (
        HEAD
        + "optimizer = torch.optim.Adam(make().parameters(), lr=0.01)  # <- made\nmodel = make()\n"
        + _LOOP,
        "parameters-not-in-optimizer",
        "made",
    ),
    "the user's own modules": (
        "import expert, probes, knowledge\nassert expert.MINE and probes.MINE and knowledge.MINE\n"
        + HEAD
        + _MADE
        + _LOOP.replace("        optimizer.zero_grad()\n", ""),
        "missing-zero-grad",
        "step",
    ),
}

#: Scripts in which nothing is to be found.
HEALTHY: Final[dict[str, str]] = {
    "plain loop": HEAD + _MADE + _LOOP,
    "functional zeroing through data": HEAD
    + _MADE
    + _LOOP.replace(
        "optimizer.zero_grad()",
        "[p.grad.data.zero_() for p in model.parameters() if p.grad is not None]",
    ),
    "accumulation": HEAD
    + _MADE
    + """\
for epoch in range(12):
    for index, (xb, yb) in enumerate(loader):
        loss = F.cross_entropy(model(xb), yb) / 4
        loss.backward()
        if index % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
""",
    "LBFGS": HEAD
    + """\
model = nn.Linear(8, 3)
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5)


def closure():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    return loss


for step in range(20):
    print(repr(optimizer.step(closure).item()))
""",
    "GAN": HEAD
    + """\
G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 8))
D = nn.Sequential(nn.Linear(8, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
of_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
of_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(6):
    for xb, _ in loader:
        ones, zeros = torch.ones(len(xb), 1), torch.zeros(len(xb), 1)
        fake = G(torch.randn(len(xb), 4))
        of_d.zero_grad()
        of_d_loss = loss_fn(D(xb), ones) + loss_fn(D(fake.detach()), zeros)
        of_d_loss.backward()
        of_d.step()
        of_g.zero_grad()
        loss = loss_fn(D(fake), ones)
        loss.backward()
        of_g.step()
        print(repr(loss.item()))
""",
    "validation, scheduler, clipping, dropout": HEAD
    + """\
model = nn.Sequential(
    nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
train = DataLoader(TensorDataset(x[:384], y[:384]), batch_size=32, shuffle=True)
held_out = DataLoader(TensorDataset(x[384:], y[384:]), batch_size=64)
for epoch in range(8):
    model.train()
    for xb, yb in train:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        print(repr(sum(F.cross_entropy(model(a), b).item() for a, b in held_out)))
""",
    "autocast and GradScaler on the CPU": HEAD
    + _MADE
    + """\
scaler = torch.amp.GradScaler("cpu")
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(xb), yb)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        print(repr(loss.item()))
""",
    "activation checkpointing": HEAD
    + """\
from torch.utils.checkpoint import checkpoint

first, last = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 3)
optimizer = torch.optim.Adam([*first.parameters(), *last.parameters()], lr=0.01)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(last(checkpoint(first, xb, use_reentrant=False)), yb)
        loss.backward()
        optimizer.step()
        print(repr(loss.item()))
""",
    "inputs scaled in the loop": HEAD
    + _MADE
    + _LOOP.replace("model(xb)", "model((xb - 100) / 50)").replace(
        "for epoch",
        "loader = DataLoader(TensorDataset(x * 50 + 100, y), 32, shuffle=True)\nfor epoch",
    ),
    "regression by hand without a loader": HEAD
    + """\
t = x[:, :1] + 0.1 * torch.randn(512, 1)
model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(200):
    loss = ((model(x) - t) ** 2).mean()
    model.zero_grad()
    loss.backward()
    optimizer.step()
    print(repr(loss.item()))
""",
    "frozen backbone in evaluation mode": HEAD
    + """\
backbone = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU()).requires_grad_(False)
model = nn.Sequential(backbone, nn.Linear(32, 3))
optimizer = torch.optim.Adam(model[1].parameters(), lr=0.01)
model.train()
backbone.eval()
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        print(repr(loss.item()))
""",
}


def line_of(script: str, mark: str) -> int:
    """Return the number of the line that bears a mark."""
    lines = script.splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"# <- {mark}"))
