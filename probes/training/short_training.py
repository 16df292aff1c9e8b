"""Short training runs on the user's own model, each from the initial weights, put back afterwards.

A run is judged on the same few batches before and after, in training mode: compared in pairs, the
difference between batches cancels. Losses stay on the device and are read in groups.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from expert.errors import TorchmedicError
from probes.case.batches import Batch, cut
from probes.optimizer import groups, own_rate
from probes.training.answers import Answers, answers_now

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAMPLES: Final = 128  # of a batch in a short run
STEPS: Final = 16  # of a short run
MOST_BATCHES: Final = 20  # of the drawn ones, in short runs
JUDGED: Final = 6  # batches on which a run is judged
READ_EVERY: Final = 4  # steps between two looks at the losses
RISE: Final = 0.1  # of the scale of the loss: more above the start is not stable
PEAK: Final = 3.0  # times the scale: an excursion this high is not stable, whatever came after
HUMP: Final = 1.5  # times the scale, two steps in a row: nor is this


class Unsuitable(TorchmedicError):  # noqa: N818 - no error, a reason
    """The probe has nothing to measure in a case like this; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What runs are made on: batches, how the loss stands on them untrained, and its noise.

    `initial`: the untrained loss of each batch. `judged`: the batches on which runs are judged, and
    `start` the mean loss on them. `noise`: its standard error between two looks (dropout).
    `chance`: loss of the best constant prediction, where known. `answers`: the untrained model's.
    """

    batches: Sequence[Batch]
    initial: Sequence[float]
    judged: Sequence[Batch]
    start: float
    noise: float
    chance: float | None = None
    answers: Answers | None = None

    @property
    def reference(self) -> float:
        """Return the loss below which a model has learnt something of its inputs."""
        return self.start if self.chance is None else min(self.start, self.chance)

    @property
    def scale(self) -> float:
        """Return the size of the loss against which changes count."""
        return max(abs(self.start), 0.1 * abs(self.chance or 0.0), 1e-12)

    def rises(self, losses: Sequence[float]) -> list[float]:
        """Return how far the loss of each step is above that of its batch untrained."""
        return [loss - before for loss, before in zip(losses, self._before(losses), strict=True)]

    def peaks(self, losses: Sequence[float]) -> list[float]:
        """Return the same in units of the loss's scale, of an unusual batch's own where larger."""
        sizes = [max(self.scale, abs(before)) for before in self._before(losses)]
        return [rise / size for rise, size in zip(self.rises(losses), sizes, strict=True)]

    def _before(self, losses: Sequence[float]) -> list[float]:
        return [self.initial[index % len(self.batches)] for index in range(len(losses))]


@dataclass(frozen=True, slots=True)
class Run:
    """One short run: the loss of each step, and the loss on the judged batches after it."""

    rate: float | None
    losses: tuple[float, ...]
    end: float
    nonfinite_step: int | None = None
    answers: Answers | None = None

    def drop(self, ground: Ground) -> float:
        """Return how much of the initial loss is gone; -inf when the run broke."""
        return (ground.start - self.end) / ground.scale if math.isfinite(self.end) else -math.inf

    def stable(self, ground: Ground) -> bool:
        """Return whether the loss stayed finite, did not end above its start and never soared.

        Nor may the model have stopped to look at its input: a rate that kills every unit in its
        first step leaves a low and steady loss behind.
        """
        if not math.isfinite(self.end) or not self.losses:
            return False
        peaks = ground.peaks(self.losses)
        hump = max(map(min, zip(peaks, peaks[1:] or peaks, strict=False)))
        soared = max(peaks) > PEAK or hump > HUMP
        margin = RISE * ground.scale + 3 * ground.noise
        return self.end <= ground.start + margin and not soared and not self.died(ground)

    def died(self, ground: Ground) -> bool:
        """Return whether the model answers the same to all inputs now, and did not before."""
        known = self.answers is not None and ground.answers is not None
        return known and self.answers.lost(ground.answers)  # type: ignore[union-attr,arg-type]

    def learns(self, ground: Ground) -> bool:
        """Return whether the loss fell by more than noise, and below chance where that is known."""
        size = max(abs(ground.reference), 1e-12)
        return ground.reference - self.end > max(3 * ground.noise, 0.02 * size)

    def falls(self, ground: Ground) -> bool:
        """Return whether the loss fell by more than noise, however high it began."""
        return ground.start - self.end > max(3 * ground.noise, 0.02 * ground.scale)


def small_batches(exam: Examination) -> list[Batch]:
    """Return the drawn batches, large ones cut, unless the loss is a sum over the samples."""
    growth = exam.found.get("loss.grows_with_batch")
    if growth is not None and isinstance(growth.value, float) and growth.value > 1.5:
        return exam.batches
    if exam.batch is exam.batches[0] and exam.batch.size > 2 * SAMPLES:
        return exam.batches  # a model that only takes whole batches
    return [cut(batch, SAMPLES) for batch in exam.batches]


def survey(exam: Examination, batches: Sequence[Batch], chance: float | None) -> Ground | None:
    """Return the ground that `batches` make; None where no untrained loss is finite."""
    batches = batches[:MOST_BATCHES]
    with exam.training():
        training_mode(exam.model)
        initial = losses_on(exam, batches)
        looks = initial[:JUDGED], losses_on(exam, batches[:JUDGED])
        answers = answers_now(exam, batches[0])
        exam.count_steps(len(batches) // 3 + 1)
    usable = [i for i, pair in enumerate(zip(*looks, strict=True)) if all(map(math.isfinite, pair))]
    if not usable:
        return None
    first, second = ([look[i] for i in usable] for look in looks)
    differences = [(one - other) ** 2 for one, other in zip(first, second, strict=True)]
    noise = math.sqrt(_mean(differences) / (2 * len(usable)))
    judged = [batches[i] for i in usable]
    return Ground(batches, initial, judged, _mean(first + second), noise, chance, answers)


def run(
    exam: Examination,
    ground: Ground,
    rate: float | None = None,
    steps: int = STEPS,
    *,
    hopeless: float = 100.0,
    after: Callable[[], object] = lambda: None,
) -> Run:
    """Train `steps` steps from the initial state at `rate` (None: as the user set it).

    It ends early once the loss has risen by `hopeless` times its scale. `after` is called while
    the trained weights are still there.
    """
    with exam.training():
        training_mode(exam.model)
        set_rate(exam, own_rate(exam.case) if rate is None else rate)
        losses, broken = train(
            exam, ground.batches, steps, stop=lambda seen: max(ground.peaks(seen)) > hopeless
        )
        end, answers = math.inf, None
        if broken is None:
            whole = len(losses) == steps
            end = _mean(losses_on(exam, ground.judged)) if whole else losses[-1]
            answers = answers_now(exam, ground.batches[0])
        after()
    return Run(rate, tuple(losses), end if math.isfinite(end) else math.inf, broken, answers)


def train(
    exam: Examination,
    batches: Sequence[Batch],
    steps: int,
    *,
    stop: Callable[[list[float]], bool] = lambda losses: False,
    before_step: Callable[[int], None] = lambda index: None,
    take_step: Callable[[Batch], Tensor] | None = None,
) -> tuple[list[float], int | None]:
    """Take training steps, batch after batch in circles; until the loss breaks or `stop`.

    Returns the losses before each step, and the step at which one was not finite.
    """
    advance = take_step or (lambda batch: step(exam, batch))
    losses: list[float] = []
    waiting: list[Tensor] = []
    for index in range(steps):
        before_step(index)
        waiting.append(advance(batches[index % len(batches)]))
        if len(waiting) < READ_EVERY and index + 1 < steps:
            continue
        for loss in _read(waiting):
            losses.append(loss)
            if not math.isfinite(loss):
                return losses, len(losses) - 1
        waiting.clear()
        if stop(losses):
            break
    return losses, None


def step(exam: Examination, batch: Batch) -> Tensor:
    """Take one step of the user's own optimizers on `batch`; returns the loss, detached."""
    exam.count_steps(1)
    exam.model.zero_grad(set_to_none=True)
    for optimizer in exam.case.optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss = exam.loss_of(batch)
    done = any(parameter.grad is not None for parameter in exam.model.parameters())
    if loss.requires_grad and not done:  # a user's `step` may have gone backward itself
        loss.backward()  # type: ignore[no-untyped-call]
    for optimizer in exam.case.optimizers:
        optimizer.step()
    return loss.detach()


def step_with(exam: Examination, optimizer: torch.optim.Optimizer, batch: Batch) -> Tensor:
    """Take one step of another optimizer on `batch`; returns the loss, detached."""
    exam.count_steps(1)
    exam.model.zero_grad(set_to_none=True)
    loss = exam.loss_of(batch)
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def losses_on(exam: Examination, batches: Sequence[Batch]) -> list[float]:
    """Return the loss of each batch, without training on it."""
    return _read([exam.loss_of(batch).detach() for batch in batches])


def set_rate(exam: Examination, rate: float) -> None:
    """Set the largest group's rate to `rate` and scale the others with it."""
    largest = own_rate(exam.case)
    for group in groups(exam.case):
        if "lr" not in group:
            continue
        own = group.get("initial_lr", group["lr"])
        value = rate * (float(own) / largest) if largest > 0 and float(own) > 0 else rate
        lr = group["lr"]
        group["lr"] = torch.full_like(lr, value) if isinstance(lr, Tensor) else value


def needs_closure(optimizer: object) -> bool:
    """Return whether `optimizer.step` cannot be called without a closure (LBFGS)."""
    try:
        closure = inspect.signature(optimizer.step).parameters.get("closure")  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return False
    required = closure is not None and closure.default is inspect.Parameter.empty
    return required or isinstance(optimizer, torch.optim.LBFGS)


def refuse_closures(exam: Examination) -> None:
    """Raise Unsuitable when an optimizer of the case cannot step without a closure."""
    for optimizer in filter(needs_closure, exam.case.optimizers):
        kind = type(optimizer).__name__
        raise Unsuitable(
            en=f"{kind} steps only with a closure, which belongs to your own loop",
            zh=f"{kind} 只能借助闭包（closure）更新，而闭包在您自己的训练循环里",
        )


def can_train(exam: Examination) -> bool:
    """Return whether short runs with the user's own optimizers mean something.

    Raises Unsuitable, with the reason, when they cannot be stepped here.
    """
    refuse_closures(exam)
    if not exam.case.optimizers:
        return False
    held = [p for group in groups(exam.case) for p in group["params"]]
    own = {id(p) for p in exam.model.parameters() if p.requires_grad}
    has_rate = any("lr" in group for group in groups(exam.case))
    return has_rate and exam.recording.loss_has_graph and any(id(p) in own for p in held)


def training_mode(model: nn.Module) -> None:
    """Put a model that was handed over in evaluation mode into training mode.

    One that trains keeps its own mixture (frozen batch normalisation, for one).
    """
    if not model.training:
        model.train()


def _read(losses: Sequence[Tensor]) -> list[float]:
    """Return the losses as numbers, in one transfer."""
    return [float(value) for value in torch.stack([loss.float() for loss in losses]).tolist()]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
