"""The terms a loss is the sum of, taken apart where the user added them up.

Only additions of single numbers count: those are how terms are joined. What a loss function adds up
inside is one term. Weights (`0.1 * term`) belong to their term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from probes.recording import ops

_MOST: Final = 16
_ALIKE: Final = 3  # terms of one name that are told one by one
_JOINING: Final = frozenset({"stack", "cat", "hstack"})
_NAMELESS: Final = ops.RESHAPING | frozenset({"mul", "div", "neg", "add", "sub", "mean", "sum"})


@dataclass(frozen=True, slots=True)
class Term:
    """One term: `name` tells what made it; `value` has its graph and its weight in it."""

    name: str
    value: Tensor


@dataclass(frozen=True, slots=True)
class _Made:
    name: str
    inputs: tuple[Any, ...]


class SumWatch(TorchFunctionMode):
    """Remember how single numbers are made, and what functions make larger tensors."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[int, _Made] = {}
        self._kept: list[Tensor] = []  # ids stay true while their tensors live

    def __enter__(self) -> SumWatch:
        """Begin to watch."""
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the function and remember its result."""
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.requires_grad:
            given = args[0] if args and isinstance(args[0], list | tuple) else args
            raw = getattr(func, "__name__", "").strip("_")
            name = ops.plain_name(func)
            turned = tuple(reversed(given)) if raw in ("rsub",) else tuple(given)
            self._made[id(result)] = _Made(name, turned)
            self._kept.append(result)
        return result

    def terms(self, loss: Tensor) -> list[Term]:
        """Return the terms of `loss`; a single one where nothing was added up."""
        named: dict[str, list[Tensor]] = {}
        for value, weight in self._apart(loss, 1.0):
            named.setdefault(self._name(value), []).append(value.sum() * weight)
        return [term for name, values in named.items() for term in _terms(name, values)]

    def _apart(self, value: Tensor, weight: float) -> Iterator[tuple[Tensor, float]]:
        made = self._made.get(id(value))
        parts = None if made is None else self._parts(made)
        if parts is None:
            yield value, weight
            return
        for part, factor in parts:
            if isinstance(part, Tensor) and part.requires_grad:
                yield from self._apart(part, weight * factor)

    def _parts(self, made: _Made) -> list[tuple[Any, float]] | None:
        """Return what a sum of single numbers is made of, with factors; None for anything else."""
        given = made.inputs
        tensors = [part for part in given if isinstance(part, Tensor)]
        single = bool(tensors) and all(part.numel() == 1 for part in tensors)
        if made.name in ("add", "sub") and single and len(given) >= 2:
            second = -1.0 if made.name == "sub" else 1.0
            return [(given[0], 1.0), (given[1], second)]
        if made.name in ("mul", "div") and single and len(tensors) == 1:
            return self._scaled(made, tensors[0])
        if made.name in ops.RESHAPING and single:
            return [(tensors[0], 1.0)]
        if made.name == "neg" and single:
            return [(tensors[0], -1.0)]
        return self._joined(made, tensors)

    def _scaled(self, made: _Made, value: Tensor) -> list[tuple[Any, float]] | None:
        other = made.inputs[1] if made.inputs[0] is value else made.inputs[0]
        if not isinstance(other, int | float) or (
            made.name == "div" and made.inputs[0] is not value
        ):
            return None
        return [(value, float(other) if made.name == "mul" else 1.0 / other)]

    def _joined(self, made: _Made, tensors: Sequence[Tensor]) -> list[tuple[Any, float]] | None:
        """Return the numbers that were stacked and summed, `torch.stack(losses).mean()`."""
        if made.name not in ("sum", "mean") or not tensors:
            return None
        inner = self._made.get(id(tensors[0]))
        if inner is None or inner.name not in _JOINING:
            return None
        parts = [part for part in inner.inputs if isinstance(part, Tensor)]
        if not parts or any(part.numel() != 1 for part in parts):
            return None
        share = 1.0 / len(parts) if made.name == "mean" else 1.0
        return [(part, share) for part in parts]

    def _name(self, value: Tensor) -> str:
        """Return the name of the function that made a term, behind its averaging."""
        last = "term"
        for _ in range(_MOST):
            made = self._made.get(id(value))
            if made is None:
                return last
            last = made.name
            learned = (p for p in made.inputs if isinstance(p, Tensor) and p.requires_grad)
            before = next(learned, None)
            if made.name not in _NAMELESS or before is None:
                return last
            value = before
        return last


def _terms(name: str, values: Sequence[Tensor]) -> list[Term]:
    """Return the terms of one name; many of them are one (a penalty added up over the layers)."""
    if len(values) == 1:
        return [Term(name, values[0])]
    if len(values) > _ALIKE:
        return [Term(f"{name} x{len(values)}", torch.stack(list(values)).sum())]
    return [Term(f"{name} #{number}", value) for number, value in enumerate(values, 1)]


def gradients(terms: Sequence[Term], parameters: Sequence[Tensor]) -> list[list[Tensor | None]]:
    """Return the gradient of each term with respect to each parameter."""
    return [
        list(torch.autograd.grad(term.value, parameters, retain_graph=True, allow_unused=True))
        for term in terms
    ]
