from __future__ import annotations

import pytest
import torch

from probes.quantities.two_samples import nearest_unlike


def test_codes_that_repeat_have_near_misses_and_measurements_have_none():
    torch.manual_seed(0)
    codes = torch.randint(0, 2, (2000, 12)).float()
    measured = torch.randn(600, 12)
    copied = measured[torch.randint(600, (1500,))]
    assert nearest_unlike(codes) < 0.15
    assert nearest_unlike(copied) == pytest.approx(1.0)
    assert nearest_unlike(copied[:, :3]) is None
    assert nearest_unlike(measured[:1].repeat(9, 1)) is None
