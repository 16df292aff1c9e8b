"""A curve of one quantity over a run, as every reader of logs gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expert.language import Text

Role = Literal[
    "train_loss",
    "val_loss",
    "train_accuracy",
    "val_accuracy",
    "learning_rate",
    "grad_norm",
    "other",
]
Axis = Literal["step", "epoch", "entry"]


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over a run.

    A long run is thinned: `values` is then every so manieth value, `lows` and `highs` are the
    extremes of what each stands for. `nonfinite_from` is where the curve turned NaN or infinite for
    good, on the axis that `axis` names ("entry": neither steps nor epochs were logged).
    """

    name: str
    role: Role
    steps: tuple[float, ...]
    values: tuple[float, ...]
    source: str
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    count: int = 0
    axis: Axis = "entry"
    first_epoch: float | None = None
    last_epoch: float | None = None
    nonfinite_from: float | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in a log that could not be used, in one sentence."""

    source: str
    text: Text


#: What one line of a log says: quantities by name, `step` and `epoch` among them.
Record = dict[str, float]
