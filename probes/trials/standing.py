"""How a model stands at one moment: its loss, and how well its answers fit the targets.

Losses of different functions cannot be compared; the share of right answers (mean over the classes,
so that a majority does not hide the rest) and the explained share of the variance can.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from probes.case.batches import Batch
from probes.quantities.task import IGNORED, Task, class_axis, infer
from probes.recording.recording import main_output
from probes.running.examination import Examination

MOST_BATCHES: Final = 12
MOST_SAMPLES: Final = 1024
MOST_CLASSES: Final = 50
CURED: Final = {"accuracy": 0.6, "explained-variance": 0.3, "loss": 0.3}  # scores: data have noise


@dataclass(frozen=True, slots=True)
class Standing:
    """`quality` in its own `measure` ("accuracy", "explained-variance"), None where unknown.

    `score`: 0 for guessing, 1 for perfect answers; -1 at worst. `nearest`: where numbers may be
    those of classes, quality and score of the nearest class as the answer.
    """

    loss: float
    measure: str = "loss"
    quality: float | None = None
    score: float | None = None
    nearest: tuple[float, float] | None = None

    def comparable(self, other: Standing) -> Standing:
        """Return this standing in the measure of another, where both are known."""
        if self.measure == other.measure or other.measure != "accuracy" or self.nearest is None:
            return self
        return Standing(self.loss, "accuracy", *self.nearest)


BROKEN: Final = Standing(math.nan)


def spread(batches: Sequence[Batch]) -> list[Batch]:
    """Return a few of the batches, evenly over all of them."""
    if not batches:
        return []
    size = max(batches[0].size, 1)
    count = min(len(batches), MOST_BATCHES, max(MOST_SAMPLES // size, 4))
    return [batches[index * len(batches) // count] for index in range(count)]


def judge(exam: Examination, batches: Sequence[Batch]) -> Standing:
    """Return how the model stands on `batches`, in evaluation mode where it can be run in it."""
    if not batches:
        return BROKEN
    try:
        with _evaluating(exam.model):
            return _judged(exam, batches)
    except Exception:  # a model that answers differently then, or cannot
        return _judged(exam, batches)


def _judged(exam: Examination, batches: Sequence[Batch]) -> Standing:
    outputs: list[Tensor | None] = []

    def keep(module: nn.Module, args: Any, output: Any) -> None:
        outputs.append(main_output(output))

    hook = exam.model.register_forward_hook(keep)
    losses, pairs = [], []
    try:
        with torch.no_grad():
            for batch in batches:
                outputs.clear()
                losses.append(float(exam.loss_of(batch)))
                if outputs and outputs[-1] is not None and batch.target_tensor is not None:
                    pairs.append((outputs[-1].detach(), batch.target_tensor))
    finally:
        hook.remove()
    loss = sum(losses) / len(losses)
    return _with_quality(loss, infer(exam), pairs if len(pairs) == len(batches) else [])


def _with_quality(loss: float, task: Task, pairs: list[tuple[Tensor, Tensor]]) -> Standing:
    if not pairs:
        return Standing(loss)
    try:
        if task.has_classes:
            found, chance = _accuracy(task, pairs)
            return Standing(loss, "accuracy", found, (found - chance) / (1 - chance))
        if task.kind in ("continuous", "input"):
            found = _explained(pairs)
            score = max(found, -1.0)
            return Standing(loss, "explained-variance", found, score, _nearest(pairs))
    except (RuntimeError, ValueError, IndexError, ZeroDivisionError):
        pass  # outputs and targets that do not answer each other
    return Standing(loss, nearest=_nearest(pairs))


def _accuracy(task: Task, pairs: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Return the mean over the classes of the share of right answers, and that of guessing."""
    given, wanted = zip(*(_classes(task, *pair) for pair in pairs), strict=True)
    answers, truth = torch.cat(given), torch.cat(wanted)
    counted = truth != IGNORED
    answers, truth = answers[counted], truth[counted]
    classes = torch.unique(truth)
    if len(classes) < 2:
        raise ValueError("one class only")
    shares = torch.stack([(answers[truth == c] == c).double().mean() for c in classes])
    return float(shares.mean()), 1.0 / len(classes)


def _nearest(pairs: list[tuple[Tensor, Tensor]]) -> tuple[float, float] | None:
    """Return accuracy and score of rounded answers, where the targets are few whole numbers."""
    truth = torch.cat([target.reshape(-1) for _, target in pairs])
    answers = torch.cat([output.reshape(-1) for output, _ in pairs])
    classes = torch.unique(truth)
    whole = bool((truth == truth.round()).all())
    if not whole or not 2 < len(classes) <= MOST_CLASSES or len(answers) != len(truth):
        return None
    given = answers.round()
    found = float(torch.stack([(given[truth == c] == c).double().mean() for c in classes]).mean())
    chance = 1.0 / len(classes)
    return found, (found - chance) / (1 - chance)


def _classes(task: Task, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the class answered and the true one, flat."""
    if output.numel() == target.numel() and (task.kind != "one-hot"):
        level = 0.5 if bool(((output >= 0) & (output <= 1)).all()) else 0.0
        high = target.max()
        if task.kind == "class-index" and bool(((target != high) & (target != target.min())).any()):
            raise ValueError("one output for many classes")
        return (output.reshape(-1) > level).long(), (target.reshape(-1) >= high).long()
    if task.kind == "one-hot":
        return output.argmax(-1).reshape(-1), target.argmax(-1).reshape(-1)
    return output.argmax(class_axis(output, target)).reshape(-1), target.reshape(-1).long()


def _explained(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """Return 1 - squared error / variance, over the columns of the targets together."""
    rows = [(o.reshape(t.shape[0], -1).double(), t.reshape(t.shape[0], -1)) for o, t in pairs]
    output, target = torch.cat([o for o, _ in rows]), torch.cat([t for _, t in rows]).double()
    if output.shape != target.shape:
        raise ValueError("other shapes")
    error = (output - target).square().mean()
    value = float(1 - error / (target - target.mean(0)).square().mean().clamp(min=1e-30))
    return value if math.isfinite(value) else -1.0


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
