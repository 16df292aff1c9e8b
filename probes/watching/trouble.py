"""What is so clearly wrong that a run need not go on: a loss that is not finite, or far up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from probes.watching.course import has_diverged

if TYPE_CHECKING:
    from probes.watching.watcher import Watcher

Kind = Literal["nonfinite-loss", "divergence"]
EVERY: Final = 32  # backward passes between two looks at the course of the loss


@dataclass(frozen=True, slots=True)
class Trouble:
    """`step`: updates made before. `place`: "FILE:LINE" of the backward call, where known."""

    kind: Kind
    step: int
    place: str | None


def trouble(watcher: Watcher) -> Trouble | None:
    """Return what is wrong at this moment; cheap enough to be asked after every step."""
    now = watcher.now
    kind: Kind | None = None
    if now.nonfinite_loss:
        kind = "nonfinite-loss"
    elif now.backwards >= now.looked_at_loss + EVERY:
        now.looked_at_loss = now.backwards
        curve = watcher.losses.main()
        if curve is not None and has_diverged(curve):
            kind = "divergence"
    return Trouble(kind, now.step, now.lines.most("backward")) if kind is not None else None
