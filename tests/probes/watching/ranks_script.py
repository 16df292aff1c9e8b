"""A script for torchrun: DistributedDataParallel with a fault given by name."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

fault = sys.argv[1]
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(256, 8)
data = TensorDataset(x, (x[:, 0] > 0).long())
norm: list[nn.Module] = [nn.BatchNorm1d(32)] if fault == "batch norm" else []
model = nn.Sequential(nn.Linear(8, 32), *norm, nn.ReLU(), nn.Linear(32, 2))
wrapped = DistributedDataParallel(model)
optimizer = torch.optim.Adam(wrapped.parameters(), lr=0.01)
sampler: Any = None if fault == "same shard" else DistributedSampler(data, shuffle=True)
size = 4 if fault == "batch norm" else 16
loader = DataLoader(data, batch_size=size, sampler=sampler, shuffle=sampler is None)
for epoch in range(6):
    if sampler is not None:
        sampler.set_epoch(epoch)
    for index, (xb, yb) in enumerate(loader):
        second = rank == 1 and epoch == 2
        if fault == "uneven" and second and index == 5:
            sys.exit(0)
        if fault == "killed" and second:
            os.kill(os.getpid(), 9)
        inputs = xb * torch.nan if fault == "nan" and second and index == 3 else xb
        optimizer.zero_grad()
        output = model(inputs) if fault == "past" else wrapped(inputs)
        loss = cross_entropy(output, yb)
        loss.backward()
        optimizer.step()
print(f"{rank} {loss.item()!r}\n", end="", flush=True)  # one write: ranks share a pipe
dist.destroy_process_group()
