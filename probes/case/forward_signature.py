"""What arguments a model's forward takes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from torch import nn


@dataclass(frozen=True, slots=True)
class Signature:
    """`least` and `most` positional arguments; the names it takes, and those it cannot miss."""

    least: int
    most: float
    names: frozenset[str]
    required: frozenset[str]
    any_name: bool  # has **kwargs

    @classmethod
    def unknown(cls) -> Self:
        """Return the signature of something that does not tell."""
        return cls(0, math.inf, frozenset(), frozenset(), any_name=False)

    def accepts(self, names: Collection[Any]) -> bool:
        """Return whether keyword arguments with these names can be passed, none missing."""
        given = set(names)
        if not all(isinstance(name, str) for name in given) or not given:
            return False
        return self.required <= given and (self.any_name or given <= self.names)


def signature_of(model: nn.Module) -> Signature:
    """Return what the model's forward takes (that of the wrapped model for wrappers)."""
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))
    forward = inner.forward if isinstance(inner, nn.Module) else model.forward
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        return Signature.unknown()
    kinds = {entry.kind for entry in parameters}
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return Signature(
        least=sum(p.default is p.empty for p in positional),
        most=math.inf if inspect.Parameter.VAR_POSITIONAL in kinds else len(positional),
        names=frozenset(p.name for p in named),
        required=frozenset(p.name for p in named if p.default is p.empty),
        any_name=inspect.Parameter.VAR_KEYWORD in kinds,
    )
