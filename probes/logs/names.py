"""What a column, tag or key of a log holds, guessed from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from probes.logs.series import Role

Kind = Literal["step", "epoch", "quantity", "other"]
Phase = Literal["train", "val", "test", ""]

_STEPS: Final = (
    "step", "steps", "global_step", "globalstep", "iteration", "iterations", "iter", "iters", "it",
    "update", "updates", "num_updates", "batch", "batch_idx", "trainer_global_step",
    "train_global_step", "total_steps",
)  # fmt: skip
_EPOCHS: Final = ("epoch", "epochs", "epoch_idx", "trainer_epoch", "train_epoch", "ep")
_PHASES: Final[dict[str, Phase]] = {
    **dict.fromkeys(("train", "training", "tr", "trn"), "train"),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "eval", "evaluation", "dev", "holdout"), "val"
    ),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FUSED: Final = re.compile(r"^(train|tr|val|valid|test|eval|dev)(loss|acc|accuracy)$")
_LOSS: Final = frozenset({"loss", "losses", "cost"})
_ACCURACY: Final = frozenset({"acc", "accuracy", "acc1", "top1", "acc@1"})
_RATE: Final = frozenset({"lr", "learningrate"})
_HARMLESS: Final = frozenset(
    {
        *("step", "epoch", "iter", "batch", "running", "smoothed", "current", "curr", "global"),
        *("avg", "average", "mean", "total", "all", "overall", "set", "model"),
        *("metric", "metrics", "scalar", "scalars", "log", "logs", "stats"),
    }
)
_DERIVED: Final = frozenset(
    {
        *("scale", "scaler", "weight", "weights", "coef", "coefficient", "factor"),
        *("best", "min", "max", "std", "time", "ratio", "delta"),
    }
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+@?\d*|\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name stands for; of several of one role, that with the lowest `rank` is the main."""

    kind: Kind
    role: Role = "other"
    phase: Phase = ""
    rank: int = 0


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> Meaning:
    """Return what a name most probably stands for."""
    words = _words(name)
    joined = "_".join(words)
    if joined in _STEPS:
        return Meaning("step")
    if joined in _EPOCHS:
        return Meaning("epoch")
    phase: Phase = next((_PHASES[w] for w in words if w in _PHASES), "")
    rest = [w for w in words if w not in _PHASES and w not in _HARMLESS]
    return _quantity(set(words), rest, phase)


def _quantity(words: set[str], rest: list[str], phase: Phase) -> Meaning:
    if words & _DERIVED:
        return Meaning("other")
    if words & _LOSS:
        extra = sum(word not in _LOSS for word in rest)
        return Meaning("quantity", "train_loss" if phase in _TRAINING else "val_loss", phase, extra)
    if words & _ACCURACY:
        extra = sum(word not in _ACCURACY for word in rest)
        role: Role = "train_accuracy" if phase in _TRAINING else "val_accuracy"
        return Meaning("quantity", role, phase, extra)
    if words & _RATE or {"learning", "rate"} <= words:
        return Meaning("quantity", "learning_rate", phase, len(rest) - 1)
    if ({"grad", "gradient", "gradients"} & words and "norm" in words) or "gradnorm" in words:
        return Meaning("quantity", "grad_norm", phase, len(rest) - 2)
    return Meaning("other")


_TRAINING: Final = ("train", "")


def _words(name: str) -> list[str]:
    """Return the lower-case words of a name: "run-7 - train/lossStep" gives train, loss, step."""
    name = name.rsplit(" - ", 1)[-1].strip()  # Weights & Biases: "RUN - QUANTITY"
    if name.endswith(("__MIN", "__MAX")):
        return ["min"]
    words = [word.lower() for word in _WORD.findall(name)]
    split: list[str] = []
    for word in words:
        fused = _FUSED.match(word)
        split += fused.groups() if fused else (word,)
    return split
