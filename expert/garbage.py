"""Pausing the garbage collector while much is built that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Collect nothing inside the block.

    Reading and compiling knowledge make hardly any garbage, yet most of their time would go into
    looking for it (measured at 10,000 rules: two thirds of reading, four fifths of compiling).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
