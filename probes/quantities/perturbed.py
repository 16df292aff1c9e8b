"""What a network has learnt, under small changes of its inputs: noise, mirroring, a small rotation.

Section 3.2 of "why the loss does not fall": what will be met in use and does not stand in the
training data. A share of 0 says that an answer survives the change, so that it may serve as
augmentation or be left alone; a share of 1 that nothing of what was learnt is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from probes.case.batches import Batch, map_tensors, take_apart_like

NOISE: Final = 0.1  # of the spread of the batch's inputs
DEGREES: Final = 10.0
CHANNELS: Final = (1, 3, 4)
SMALLEST: Final = 8  # pixels of a side; what is smaller cannot be turned by so little
Change = Callable[[Tensor], Tensor]


def changes_for(inputs: Tensor) -> dict[str, Change]:
    """Return by name the changes that make sense for such inputs (N, ...)."""
    if not inputs.is_floating_point() or inputs.numel() == 0 or inputs.is_complex():
        return {}
    is_image = inputs.dim() == 4 and inputs.shape[1] in CHANNELS
    if not is_image or min(inputs.shape[2:]) < SMALLEST:
        return {"noise": noisy}
    return {"noise": noisy, "mirrored": mirrored, "rotated": rotated}


def noisy(inputs: Tensor) -> Tensor:
    """Return the inputs with noise of a tenth of their spread, the same each time."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(inputs.shape, generator=generator, dtype=torch.float32)
    return inputs + NOISE * inputs.std() * noise.to(inputs)


def mirrored(images: Tensor) -> Tensor:
    """Return images (N,C,H,W) with left and right exchanged."""
    return images.flip(-1)


def rotated(images: Tensor) -> Tensor:
    """Return images (N,C,H,W) turned by a few degrees about their middle."""
    cosine, sine = math.cos(math.radians(DEGREES)), math.sin(math.radians(DEGREES))
    turn = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]], device=images.device)
    grid = F.affine_grid(turn.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    turned = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return turned.to(images.dtype)


def changed(batch: Batch, change: Change) -> Batch:
    """Return the batch with its main input changed, and nothing else."""
    given = batch.input_tensor
    return take_apart_like(
        batch, map_tensors(batch.raw, lambda tensor: change(tensor) if tensor is given else tensor)
    )
