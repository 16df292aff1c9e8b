"""What trials have shown, and what a diagnosis makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from expert.diagnosis import Inquiry
from expert.language import Text
from expert.observation import Observation

_SCALARS: Final = ("before", "after", "baseline")
_LEAST_EFFECT: Final = 0.01  # of a trial that improved the loss alone


@dataclass(frozen=True, slots=True)
class Tried:
    """What trials have shown: the result of each as it was told, by id.

    `interrupted`: they were stopped early (Ctrl-C, `cancel`); this is what was known by then.
    """

    results: Mapping[str, Mapping[str, Any]]
    interrupted: bool = False

    @property
    def inquiries(self) -> tuple[Inquiry, ...]:
        """The trials as inquiries; those that were not made say why."""
        return tuple(_inquiry(result) for result in self.results.values())

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The trial that helped most, of equals the first; None when none did."""
        helped = [result for result in self.results.values() if result["improved"]]
        return max(helped, key=_merit, default=None)

    @property
    def first(self) -> str | None:
        """The first that was tried; None when none was."""
        return next((id_ for id_, result in self.results.items() if result["tried"]), None)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The results as facts for a diagnosis, one value per trial; those refused are left out."""
        done = [result for result in self.results.values() if result["tried"]]
        where = tuple(result["id"] for result in done)
        if not done:
            return ()
        columns: dict[str, tuple[Any, ...]] = {
            "effect": tuple(_effect(result) for result in done),
            **{name: tuple(r[name] for r in done) for name in ("improved", "cured")},
            "measure": tuple(_measure(result) for result in done),
            "steps": tuple(result["steps"] for result in done),
            **{name: tuple(_number(r[name]) for r in done) for name in _SCALARS},
        }
        return tuple(
            Observation(f"trial.{name}", values, where, "trial:comparison")
            for name, values in columns.items()
        )


def _merit(result: Mapping[str, Any]) -> tuple[bool, float, float]:
    """Return what trials are ordered by: tenths, for less is no difference between two cures."""
    return bool(result["cured"]), round(result["score"], 1), round(result["gain"], 1)


def _measure(result: Mapping[str, Any]) -> str:
    """Return the measure, with the data it is taken on: "loss", "validation-loss"."""
    prefix = "validation-" if result.get("goal") == "validation" else ""
    return f"{prefix}{result['measure']}"


def _effect(result: Mapping[str, Any]) -> float:
    return max(float(result["gain"]), _LEAST_EFFECT) if result["improved"] else 0.0


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _inquiry(result: Mapping[str, Any]) -> Inquiry:
    reason = result.get("reason")
    return Inquiry(
        id=result["id"],
        kind="trial",
        status="done" if result["tried"] else "skipped",
        seconds=result.get("seconds", 0.0),
        steps=result["steps"],
        reason=None if reason is None else Text.from_json(reason),
    )
