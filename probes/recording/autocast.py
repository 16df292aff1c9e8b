"""Whether the user's code computes in reduced precision: autocast, seen as it is entered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def autocast_seen() -> Iterator[list[torch.dtype]]:
    """Collect the reduced types in which autocast computes meanwhile."""
    seen: list[torch.dtype] = []
    enter = torch.autocast.__enter__

    def noted(context: Any) -> Any:
        if context._enabled:
            seen.append(context.fast_dtype)
        return enter(context)  # type: ignore[no-untyped-call]

    torch.autocast.__enter__ = noted  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        torch.autocast.__enter__ = enter  # type: ignore[method-assign]
