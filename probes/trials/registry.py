"""All trials, by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from expert.errors import UsageError
from expert.spelling import nearest
from probes.trials import (
    activations,
    architecture,
    augmentation,
    batching,
    data,
    gradients,
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
        batching,
        augmentation,
        initialisation,
        activations,
        architecture,
        gradients,
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
    hint = nearest(name, TRIALS) or ", ".join(TRIALS)
    raise UsageError(
        en=f"There is no trial `{name}`: did you mean {hint}?",
        zh=f"没有名为 `{name}` 的试验：您是否想写 {hint}？",
    )
