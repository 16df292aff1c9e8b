"""Traffic by hour and weekday: is a road jammed? An hour is an angle, a road a category."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .changed import cut_in_order
from .data import CaseDict, loaders

ROADS, SAMPLES = 20, 1600


def healthy(seed: int) -> CaseDict:
    """The hour as sine and cosine, roads one-hot; binary cross-entropy of logits, Adam."""
    road, hour, jammed = _records(seed)
    angle = hour * 2 * math.pi / 24
    waves = torch.stack([angle.sin(), angle.cos()], dim=1)
    return _case(torch.cat([waves, F.one_hot(road, ROADS).float() * 2], dim=1), jammed)


def roads_and_hours(seed: int) -> CaseDict:
    """Both the number of the road and the hour as quantities."""
    road, hour, jammed = _records(seed, shift=0.0, road_counts=4.0)
    return _case(torch.stack([road.float() / 6 - 1.7, hour / 7 - 1.6], dim=1), jammed)


def road_numbers(seed: int) -> CaseDict:
    """The number of the road as a quantity."""
    road, hour, jammed = _records(seed, road_counts=4.0)
    angle = hour * 2 * math.pi / 24
    number = (road.float() - ROADS / 2) / 5.8
    return _case(torch.stack([number, angle.sin(), angle.cos()], dim=1), jammed)


def _records(
    seed: int, shift: float = 8.0, road_counts: float = 1.5
) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    road = torch.randint(ROADS, (SAMPLES,))
    hour = torch.randint(24, (SAMPLES,)).float()
    busy = torch.randn(ROADS)[road] * road_counts
    rush = 2.5 * ((hour - shift) * 2 * math.pi / 24).cos()
    jammed = (busy + rush + 0.4 * torch.randn(SAMPLES) > 0).float()
    return road, hour, jammed[:, None]


def _case(x: Tensor, y: Tensor) -> CaseDict:
    model = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 1))
    return {
        "model": model,
        "loss_fn": nn.BCEWithLogitsLoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=3e-3),
        "epochs": 15,
        **loaders(cut_in_order(x, y), batch_size=32),
    }
