"""All trials, by id."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from expert.errors import UsageError
from probes.trials import (
    activations,
    data,
    initialisation,
    loops,
    losses,
    optimisers,
    parameters,
    rates,
    regularisation,
)
from probes.trials.trial import Trial

TRIALS: Final[Mapping[str, Trial]] = {
    trial.id: trial
    for family in (
        rates,
        data,
        initialisation,
        activations,
        losses,
        regularisation,
        parameters,
        optimisers,
        loops,
    )
    for trial in family.TRIALS
}


def named(names: str) -> list[Trial]:
    """Return the trials named in "a,b". Raises UsageError for an unknown name."""
    return [_named(name.strip()) for name in names.split(",") if name.strip()]


def _named(name: str) -> Trial:
    if name in TRIALS:
        return TRIALS[name]
    near = difflib.get_close_matches(name, TRIALS, n=1, cutoff=0.4)
    hint = near[0] if near else ", ".join(TRIALS)
    raise UsageError(
        en=f"There is no trial `{name}`: did you mean {hint}?",
        zh=f"没有名为 `{name}` 的试验：您是否想写 {hint}？",
    )
