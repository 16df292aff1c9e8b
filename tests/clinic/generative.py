"""A variational autoencoder of the digits, and a generator against a discriminator."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .data import CaseDict, digits


class VariationalAutoencoder(nn.Module):
    """Pixels (N, 64) in [0, 1] to (logits of pixels, mean and log-variance of the code)."""

    def __init__(self, code: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, 96), nn.ReLU(), nn.Linear(96, 64))

    def both(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(code), mean, log_variance

    def forward(self, x: Tensor) -> Tensor:
        mean, _ = self.encoder(x).chunk(2, dim=1)
        drawn: Tensor = self.decoder(mean).sigmoid()
        return drawn


def elbo(model: VariationalAutoencoder, x: Tensor, weight: float = 1.0) -> Tensor:
    """Return the negative evidence lower bound per sample, the divergence weighted."""
    logits, mean, log_variance = model.both(x)
    drawn = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    return drawn + weight * divergence


def healthy(seed: int) -> CaseDict:
    """The textbook's: Bernoulli pixels, a normal code, Adam."""
    return variational(seed)


def divergence_drowns_the_drawing(seed: int) -> CaseDict:
    """The divergence summed over the whole data set's size: the code says nothing."""
    return variational(seed, weight=1437.0)


def variational(seed: int, weight: float = 1.0, lr: float = 2e-3) -> CaseDict:
    """Return the case of the variational autoencoder."""
    torch.manual_seed(seed)
    data = digits(seed)

    def step(model: VariationalAutoencoder, x: Tensor) -> Tensor:
        return elbo(model, x, weight)

    model = VariationalAutoencoder()
    return {
        "model": model,
        "step": step,
        "optimizer": torch.optim.Adam(model.parameters(), lr=lr),
        "train_loader": DataLoader(data.x_train / 16, batch_size=32, shuffle=True),  # type: ignore[arg-type]
        "val_loader": DataLoader(data.x_val / 16, batch_size=32),  # type: ignore[arg-type]
        "epochs": 20,
    }


class Adversaries(nn.Module):
    """A generator of points from noise and a discriminator of points (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(8, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, 2),
        )  # fmt: skip
        self.discriminator = nn.Sequential(
            nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        verdict: Tensor = self.discriminator(x)
        return verdict


def healthy_adversaries(seed: int) -> CaseDict:
    """Two optimizers, two losses in one step, points on a ring."""
    torch.manual_seed(seed)
    angle = torch.rand(2048) * 2 * math.pi
    ring = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(2048, 2)
    model = Adversaries()
    faker = torch.optim.Adam(model.generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    judge = torch.optim.Adam(model.discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))

    def step(model: Adversaries, real: Tensor) -> Tensor:
        fake = model.generator(torch.randn(len(real), 8))
        judge.zero_grad()
        true, false = model.discriminator(real), model.discriminator(fake.detach())
        verdict = F.softplus(-true).mean() + F.softplus(false).mean()
        verdict.backward()  # type: ignore[no-untyped-call]
        judge.step()
        faker.zero_grad()
        deceit = F.softplus(-model.discriminator(fake)).mean()
        deceit.backward()  # type: ignore[no-untyped-call]
        faker.step()
        return deceit.detach()

    step.is_whole = True  # type: ignore[attr-defined]
    return {
        "model": model,
        "step": step,
        "optimizer": {"generator": faker, "discriminator": judge},
        "train_loader": DataLoader(ring, batch_size=64, shuffle=True),  # type: ignore[arg-type]
        "epochs": 30,
    }
