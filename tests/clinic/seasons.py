"""Sales by shop, weekday, season and wind: categories and an angle, which are no quantities."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .changed import cut_in_order
from .data import CaseDict, loaders

SHOPS, SAMPLES = 16, 1000


def healthy(seed: int) -> CaseDict:
    """Shops one-hot, the season as sine and cosine; Adam."""
    shop, season, sales = _records(seed)
    waves = [season.sin()[:, None], season.cos()[:, None]]
    return _case(torch.cat([F.one_hot(shop, SHOPS).float() * 2, *waves], dim=1), sales)


def healthy_few_values(seed: int) -> CaseDict:
    """Shop and season in four quarters only: by nature most rows stand in both sets."""
    shop, season, sales = _records(seed)
    quarter = (season / (math.pi / 2)).long().clamp(max=3)
    x = torch.cat([F.one_hot(shop, SHOPS), F.one_hot(quarter, 4)], dim=1).float()
    return _case(x * 2, sales)


def shop_numbers(seed: int) -> CaseDict:
    """The number of the shop is fed as if shop 8 were twice shop 4."""
    shop, season, sales = _records(seed)
    number = (shop.float() - SHOPS / 2) / 4.6
    return _case(torch.stack([number, season.sin(), season.cos()], dim=1), sales)


def season_in_degrees(seed: int) -> CaseDict:
    """The day of the year as an angle: the last of December is far from the first of January."""
    shop, season, sales = _records(seed, season_counts=2.0, shop_counts=0.4)
    x = torch.cat([F.one_hot(shop, SHOPS).float() * 2, season[:, None] * 180 / math.pi], dim=1)
    return _case(x, sales)


def shops_and_season(seed: int) -> CaseDict:
    """Both mistakes at once."""
    shop, season, sales = _records(seed)
    return _case(torch.stack([shop.float(), season], dim=1), sales)


def _records(
    seed: int, season_counts: float = 1.0, shop_counts: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return shops (N,), the season as an angle (N,) and standardised sales (N, 1)."""
    torch.manual_seed(seed)
    shop = torch.randint(SHOPS, (SAMPLES,))
    season = torch.rand(SAMPLES) * 2 * math.pi
    season[:2] = torch.tensor([0.0, 2 * math.pi])
    sales = shop_counts * torch.randn(SHOPS)[shop] + season_counts * (season - 0.6).cos()
    sales = sales + 0.3 * torch.randn(SAMPLES)
    return shop, season, ((sales - sales.mean()) / sales.std())[:, None]


def _case(x: Tensor, y: Tensor) -> CaseDict:
    model = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 1))
    return {
        "model": model,
        "loss_fn": nn.MSELoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=3e-3),
        "epochs": 15,
        **loaders(cut_in_order(x, y), batch_size=32),
    }
