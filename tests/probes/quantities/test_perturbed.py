"""Changes of inputs do what their names say, and only to the main input."""

from __future__ import annotations

import pytest
import torch

from probes.case.batches import take_apart
from probes.quantities.perturbed import NOISE, changed, changes_for, mirrored, noisy, rotated


def test_a_turn_moves_a_pixel_by_the_angle() -> None:
    image = torch.zeros(1, 1, 65, 65)
    image[0, 0, 32, 60] = 1.0  # 28 pixels to the right of the middle
    row, column = divmod(int(rotated(image).argmax()), 65)
    assert abs(row - 32) == pytest.approx(28 * 0.1736, abs=1)  # sin 10 degrees
    assert column - 32 == pytest.approx(28 * 0.9848, abs=1)  # cos 10 degrees


def test_mirroring_twice_changes_nothing() -> None:
    images = torch.rand(3, 3, 9, 9)
    assert torch.equal(mirrored(mirrored(images)), images)
    assert torch.equal(mirrored(images)[..., 0], images[..., -1])


def test_noise_is_a_tenth_of_the_spread_and_always_the_same() -> None:
    values = 5 + 3 * torch.randn(4000, 4)
    assert (noisy(values) - values).std() == pytest.approx(3 * NOISE, rel=0.05)
    assert torch.equal(noisy(values), noisy(values))


def test_only_images_are_mirrored() -> None:
    assert set(changes_for(torch.rand(2, 3, 8, 8))) == {"noise", "mirrored", "rotated"}
    assert set(changes_for(torch.rand(2, 16, 8, 8))) == {"noise"}
    assert set(changes_for(torch.rand(2, 8))) == {"noise"}
    assert changes_for(torch.zeros(2, 8, dtype=torch.long)) == {}


def test_targets_stay_as_they_are() -> None:
    batch = take_apart((torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8)))
    new = changed(batch, mirrored)
    assert torch.equal(new.inputs, batch.inputs.flip(-1))
    assert torch.equal(new.targets, batch.targets)
