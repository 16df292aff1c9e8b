"""What a model answers at one moment: whether its output still depends on its input, dead units."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from probes.case.batches import Batch, call_model
from probes.recording.living import dead_shares, living_units
from probes.recording.recording import main_output

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAME: Final = 1e-3  # of its size: an output that varies less is the same answer to every input
ALIVE: Final = 1e-2  # of its size: one that varies less hardly looked at its input to begin with


@dataclass(frozen=True, slots=True)
class Answers:
    """`spread`: deviation of the output over samples; `size`: its root mean square."""

    spread: float
    size: float

    @property
    def variation(self) -> float:
        """Return the spread over the size: 0 for the same answer to every input."""
        return self.spread / self.size if self.size > 0 else 0.0

    def lost(self, before: Answers) -> bool:
        """Return whether the output no longer depends on the input, though it did `before`.

        Both against its size and against its former spread, so that neither a large offset learnt
        by the output nor a shrinking one is mistaken for it.
        """
        return (
            before.variation > ALIVE
            and self.variation < SAME
            and (self.spread < SAME * before.spread)
        )


def answers_now(exam: Examination, batch: Batch) -> Answers | None:
    """Return what the model answers to `batch` now; None where only `step` can call it."""
    try:
        with without_dropout(exam.model), torch.no_grad():
            output = main_output(call_model(exam.model, batch.inputs))
    except Exception:  # the model wants to be called in some way that only `step` knows
        return None
    return None if output is None else answers(output)


def answers(output: Tensor) -> Answers | None:
    """Return the spread and size of `output` (samples first); None below two samples."""
    if output.dim() == 0 or output.shape[0] < 2:
        return None
    rows = output.detach().reshape(output.shape[0], -1).float()
    both = torch.stack([rows.var(0, correction=0).mean().sqrt(), rows.square().mean().sqrt()])
    spread, size = both.tolist()
    return Answers(spread, size) if math.isfinite(spread) and math.isfinite(size) else None


def dead_share(exam: Examination, batch: Batch) -> float | None:
    """Return the largest share of dead rectifier units of a layer now; None without rectifiers."""
    with without_dropout(exam.model):
        return max(dead_shares(living_units(exam, batch)).values(), default=None)


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Switch the dropout layers off; everything else stays in its mode."""
    dropouts = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    modes = [module.training for module in dropouts]
    for module in dropouts:
        module.eval()
    try:
        yield
    finally:
        for module, mode in zip(dropouts, modes, strict=True):
            module.train(mode)
