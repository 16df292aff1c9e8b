"""Batch statistics held fixed: what a model does once means and deviations over samples are given.

In the first run under it the statistics over the first axis are kept; in the next one they are
given instead of the new ones. Batch normalisation by the batch is left out in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from torch import Tensor
from torch.overrides import TorchFunctionMode

from probes.recording import ops

_STATISTICS: Final = frozenset({"mean", "var", "std", "var_mean", "std_mean", "median", "norm"})


class HeldStatistics(TorchFunctionMode):
    """Keep the statistics over samples of the first `with` block and give them in the second."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Any] = []
        self._next = 0
        self._runs = 0

    def __enter__(self) -> HeldStatistics:
        """Begin a run."""
        self._runs += 1
        self._next = 0
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the function, or give what it gave in the first run."""
        kwargs = kwargs or {}
        name = ops.canonical(func, args, kwargs)
        if name == "batch_norm" and ops.argument(args, kwargs, 5, "training", False):
            return args[0]
        if name not in _STATISTICS or not _over_samples(args, kwargs):
            return func(*args, **kwargs)
        return self._statistic(func(*args, **kwargs))

    def _statistic(self, value: Any) -> Any:
        if self._runs == 1:
            self._kept.append(value)
            return value
        place, self._next = self._next, self._next + 1
        held = self._kept[place] if place < len(self._kept) else value
        return held if _alike(held, value) else value


def _alike(held: Any, value: Any) -> bool:
    if isinstance(held, Tensor) and isinstance(value, Tensor):
        return held.shape == value.shape
    return type(held) is type(value)


def _over_samples(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether a reduction runs over the first axis of its input (among others)."""
    if not args or not isinstance(args[0], Tensor):
        return False
    axes = ops.argument(args, kwargs, 1, "dim", kwargs.get("axis"))
    if axes is None:
        return True
    count = args[0].dim()
    chosen = [axes] if isinstance(axes, int) else axes
    return isinstance(chosen, list | tuple) and any(
        isinstance(axis, int) and axis % max(count, 1) == 0 for axis in chosen
    )
