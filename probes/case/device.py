"""Moving a case to another device, when its user asks for that."""

from __future__ import annotations

import torch
from torch import nn

from expert.errors import UsageError
from expert.language import Text
from probes.case.case import Case
from probes.case.user_code import running


def move_case(case: Case, name: str) -> Case:
    """Move model, loss and optimizer state of `case` to the device `name`, in place.

    Raises UsageError when there is no such device here.
    """
    device = _device(name)
    with running(Text(en=f"Moving the case to {name}", zh=f"把案例移到 {name} 时")):
        for part in (case.model, case.loss_fn):
            if isinstance(part, nn.Module):
                part.to(device)
        for optimizer in case.optimizers:
            if optimizer.state:
                optimizer.load_state_dict(optimizer.state_dict())  # moves to the parameters
    return case


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError):
        usable = ", ".join(_usable())
        raise UsageError(
            en=f"The device `{name}` cannot be used here: there is {usable}.",
            zh=f"此处无法使用设备 `{name}`：可用的有 {usable}。",
        ) from None
    return device


def _usable() -> list[str]:
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]
