"""Everything that must stay as it was, read from a case as one comparable value."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import torch
from torch import nn

from probes.case.case import Case

HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_state_dict_hooks",
)


def bits(tensor: torch.Tensor | None) -> Any:
    """Identity, kind and a hash of the very bits of a tensor."""
    if tensor is None:
        return None
    values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    digest = hashlib.sha256(values).hexdigest()
    hooks = len(tensor._backward_hooks or ())
    return id(tensor), type(tensor), tuple(tensor.shape), tensor.requires_grad, hooks, digest


def plain(value: Any, depth: int = 4) -> Any:
    """A comparable copy of an attribute: containers by content, the rest by identity."""
    if isinstance(value, torch.Tensor):
        return bits(value)
    if isinstance(value, np.ndarray):
        return id(value), value.tobytes()
    if isinstance(value, bool | int | float | str | type(None)):
        return repr(value)
    if isinstance(value, dict) and depth:
        pairs = [(plain_key(key), plain(item, depth - 1)) for key, item in value.items()]
        return id(value), pairs
    if isinstance(value, list | tuple) and depth:
        return id(value), [plain(item, depth - 1) for item in value]
    return id(value)


def plain_key(key: Any) -> Any:
    return id(key) if isinstance(key, torch.Tensor) else repr(key)


def module_state(model: nn.Module) -> dict[str, Any]:
    return {
        name: {
            "class": type(module),
            "training": module.training,
            "hooks": [list(getattr(module, hooks)) for hooks in HOOKS],
            "attributes": plain(dict(vars(module)))[1],
        }
        for name, module in model.named_modules()
    }


def random_states() -> Any:
    numpy: Any = np.random.get_state()
    return (
        random.getstate(),
        (numpy[0], numpy[1].tobytes(), *numpy[2:]),
        torch.get_rng_state().numpy().tobytes(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
    )


def fingerprint(case: Case) -> dict[str, Any]:
    """Return everything that section 6 of the design lists, by what it is."""
    tensors = [*case.model.named_parameters(), *case.model.named_buffers()]
    return {
        "values": {name: bits(tensor) for name, tensor in tensors},
        "gradients": {name: bits(p.grad) for name, p in case.model.named_parameters()},
        "modules": module_state(case.model),
        "optimizers": [
            (plain(o.state), plain(o.param_groups), plain(dict(vars(o)))[1])
            for o in case.optimizers
        ],
        "scheduler": plain(dict(vars(case.scheduler)))[1] if case.scheduler else None,
        "scaler": plain(dict(vars(case.scaler)))[1] if case.scaler else None,
        "random": random_states(),
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of the parts that differ."""
    return [name for name in before if before[name] != after[name]]
