"""One measured or answered value: what every inquiry hands to the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]

_NONFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Observation:
    """A named value and where it was seen.

    A single value, or a tuple with one entry per name in `where` (layers, features, parameters,
    classes): a model of a thousand layers is still one observation per thing measured.
    """

    name: str
    value: Value
    where: tuple[str, ...] = ()
    origin: str = "given"
    unit: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.value, tuple) and len(self.value) != len(self.where):
            raise ValueError(
                f"{self.name}: {len(self.value)} values for {len(self.where)} names in `where`"
            )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; NaN and infinities become the strings "nan", "inf", "-inf"."""
        return {
            "name": self.name,
            "value": json_value(self.value),
            "where": list(self.where),
            "origin": self.origin,
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        raw = data["value"]
        value = tuple(map(_scalar, raw)) if isinstance(raw, list) else _scalar(raw)
        return cls(
            name=data["name"],
            value=value,
            where=tuple(data.get("where", ())),
            origin=data.get("origin", "given"),
            unit=data.get("unit"),
        )


def json_value(value: Value) -> Any:
    """Return `value` as JSON can hold it (JSON has no NaN and no infinity)."""
    if isinstance(value, tuple):
        return [json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _scalar(raw: Scalar) -> Scalar:
    return _NONFINITE.get(raw, raw) if isinstance(raw, str) else raw
