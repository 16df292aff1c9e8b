"""An autoencoder on the digits: batches of images only, each its own target."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .data import CaseDict, digits


class Autoencoder(nn.Module):
    """64 pixels to a code and back."""

    def __init__(self, code: int = 16, last: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 48), nn.ReLU(), nn.Linear(48, 64), last or nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decoder(self.encoder(x))
        return out


class RoundingAutoencoder(Autoencoder):
    """Rounds its code to whole numbers to save space."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decoder(torch.round(self.encoder(x)))
        return out


def healthy(seed: int) -> CaseDict:
    """Pixels in [0, 1] and a sigmoid output, which belong together; Adam."""
    torch.manual_seed(seed)
    images, held_out = _images(seed)
    return _case(Autoencoder(last=nn.Sigmoid()), images / 16, held_out / 16)


def sigmoid_on_standardised(seed: int) -> CaseDict:
    """The same sigmoid output, but the pixels are standardised and half of them negative."""
    torch.manual_seed(seed)
    images, held_out = _standardised(seed)
    return _case(Autoencoder(last=nn.Sigmoid()), images, held_out)


def relu_on_standardised(seed: int) -> CaseDict:
    """A ReLU at the end of the decoder of standardised pixels."""
    torch.manual_seed(seed)
    images, held_out = _standardised(seed)
    return _case(Autoencoder(last=nn.ReLU()), images, held_out)


def code_of_one(seed: int) -> CaseDict:
    """A code of one number for a whole image."""
    torch.manual_seed(seed)
    images, held_out = _images(seed)
    return _case(Autoencoder(code=1, last=nn.Sigmoid()), images / 16, held_out / 16)


def rounded_code(seed: int) -> CaseDict:
    """Rounding in the middle: the encoder gets no gradient."""
    torch.manual_seed(seed)
    images, held_out = _images(seed)
    return _case(RoundingAutoencoder(last=nn.Sigmoid()), images / 16, held_out / 16)


def _images(seed: int) -> tuple[Tensor, Tensor]:
    data = digits(seed)
    return data.x_train, data.x_val


def _standardised(seed: int) -> tuple[Tensor, Tensor]:
    images, held_out = _images(seed)
    mean, std = images.mean(), images.std()
    return (images - mean) / std, (held_out - mean) / std


def _case(model: nn.Module, images: Tensor, held_out: Tensor) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.MSELoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=2e-3),
        "train_loader": DataLoader(images, batch_size=32, shuffle=True),  # type: ignore[arg-type]
        "val_loader": DataLoader(held_out, batch_size=32),  # type: ignore[arg-type]
        "epochs": 20,
    }
