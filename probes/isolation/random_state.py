"""Process-wide state that a training step moves: random numbers and torch's own switches."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import torch

Restore = Callable[[], None]


def remember_process() -> list[Restore]:
    """Return what puts the present random states and torch settings back when called."""
    return [*_random_states(), *_settings()]


def _random_states() -> list[Restore]:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    restores: list[Restore] = [
        lambda: random.setstate(python),
        lambda: np.random.set_state(numpy),
        lambda: torch.set_rng_state(cpu),
    ]
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        cuda = torch.cuda.get_rng_state_all()
        restores.append(lambda: torch.cuda.set_rng_state_all(cuda))
    if torch.backends.mps.is_available():
        mps = torch.mps.get_rng_state()
        restores.append(lambda: torch.mps.set_rng_state(mps))
    return restores


def _settings() -> list[Restore]:
    cudnn = torch.backends.cudnn
    gradients, kind = torch.is_grad_enabled(), torch.get_default_dtype()
    anomaly, anomaly_nan = torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    switches = cudnn.enabled, cudnn.benchmark, cudnn.deterministic

    def put_back() -> None:
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(kind)
        torch.autograd.set_detect_anomaly(anomaly, anomaly_nan)
        now = torch.are_deterministic_algorithms_enabled()
        now_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        if (now, now_warn_only) != (deterministic, warn_only):  # setting it imports the compiler
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic = switches

    return [put_back]
