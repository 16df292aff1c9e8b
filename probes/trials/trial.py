"""What a trial is: a treatment that a program can apply to a case, and what became of trying it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from expert.language import Text
from expert.observation import json_value
from probes.case.batches import Batch
from probes.case.case import Case
from probes.case.drawing import Limits, draw
from probes.running.events import points_to_json
from probes.running.examination import Examination
from probes.training.short_training import Unsuitable

if TYPE_CHECKING:
    from probes.trials.course import Course, Curves

__all__ = [
    "Trial",
    "TrialExamination",
    "TrialResult",
    "Unsuitable",
    "changed",
    "over_batches",
    "treated",
]

Goal = Literal["training", "validation"]
_BATCHES: Final = Limits(batches=256, samples=8192, bytes=128 << 20, seconds=5.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """One treatment. The modules of this package end in a tuple of them; the registry lists all.

    `apply` gets the examination of a case that may be changed in place (it is put back afterwards)
    and whose loaders are lists of batches; it returns the treated case, or raises Unsuitable.
    `uses`: facts that it needs from an earlier examination. `same_loss`: the loss still means the
    same, so that losses with and without the treatment can be compared. `goal`: the data on which
    it is to help. `cause`: what makes the case as ill as it is in the user's own training, where a
    short one alone does not show it; it is applied to the runs without the treatment only.
    `own_length`: compared over the user's own number of steps. `steps`: how many steps the treated
    run takes, given one without the treatment and the number of batches without and with it.
    """

    id: str
    title: Text
    apply: Callable[[TrialExamination], Case]
    uses: tuple[str, ...] = ()
    same_loss: bool = True
    goal: Goal = "training"
    cause: Callable[[TrialExamination], Case] | None = None
    own_length: bool = False
    steps: Callable[[Course, int, int], int] | None = None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of one trial.

    `before`, `after`: the `measure` ("loss", "accuracy" or "explained-variance", on the data of the
    trial's `goal`) at the start and after `steps` steps with the treatment; `baseline`: without it.
    `val_before`, `val_after`, `val_baseline`: the same on validation data. `curves`: the losses of
    the two runs as Curves have them; `same_loss`: they mean the same. `gain`: how much nearer to
    perfect (0 guessing, 1 perfect) than without, `noise`: how far two runs without it are apart on
    that scale. `reason`: why it was not tried, or failed. `also`: treatments that had to be added
    for it to run.
    """

    id: str
    steps: int = 0
    seconds: float = 0.0
    measure: str = "loss"
    before: float | None = None
    after: float | None = None
    baseline: float | None = None
    val_before: float | None = None
    val_after: float | None = None
    val_baseline: float | None = None
    goal: Goal = "training"
    same_loss: bool = True
    curves: Mapping[str, Curves] = field(default_factory=dict)  # "treated", "baseline", "again"
    score: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    improved: bool = False
    cured: bool = False
    tried: bool = True
    reason: Text | None = None
    also: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; NaN and infinities become strings as in observations."""
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        data["reason"] = self.reason.to_json() if self.reason else None
        data["also"] = list(self.also)
        data["curves"] = {
            name: {
                "train": points_to_json(curves.train),
                "validation": points_to_json(curves.validation),
            }
            for name, curves in self.curves.items()
        }
        return {name: _plain(value) for name, value in data.items()}


def _plain(value: Any) -> Any:
    return json_value(value) if isinstance(value, float) else value


def changed(case: Case, **parts: Any) -> Case:
    """Return the case with some parts exchanged; all its optimizers stay unless exchanged."""
    parts.setdefault("optimizer", case.optimizers or None)
    return dataclasses.replace(case, **parts)


def over_batches(
    exam: Examination, change: Callable[[list[Batch]], Sequence[Batch] | None]
) -> Case:
    """Return the case with `change` made to its training and validation batches.

    Raises Unsuitable where `change` returns None for the training batches.
    """
    train = change(exam.batches)
    if train is None:
        raise Unsuitable(
            en="the batches need no such change, or do not allow it",
            zh="批次不需要或不允许这样的改动",
        )
    val = change(exam.val_batches) if exam.val_batches else None
    parts: dict[str, Any] = {"train_loader": [batch.raw for batch in train]}
    if val is not None:
        parts["val_loader"] = [batch.raw for batch in val]
    return changed(exam.case, **parts)


@contextmanager
def treated(exam: TrialExamination, trials: Sequence[Trial]) -> Iterator[TrialExamination]:
    """Apply treatments one after another; everything is put back on leaving.

    Yields an examination of the treated case. Raises Unsuitable when one does not fit.
    """
    if not trials:
        yield exam
        return
    with exam.training():
        inner = TrialExamination(trials[0].apply(exam))
        inner.inherit(exam)
        with treated(inner, trials[1:]) as last:
            yield last


class TrialExamination(Examination):
    """An examination that draws more batches: a trial runs for some epochs of a small data set.

    `users_case`: as the user gave it, whose loaders are their own.
    """

    def __init__(self, case: Case, *, budget_s: float = 60.0) -> None:
        super().__init__(case, budget_s=budget_s)
        self.users_case = case

    def inherit(self, outer: TrialExamination) -> None:
        """Take over what the examination of the untreated case knows."""
        self.found, self.deadline = dict(outer.found), outer.deadline
        self.users_case = outer.users_case

    @cached_property
    def batches(self) -> list[Batch]:
        """Up to 256 training batches (8192 samples), as the loader gives them, on the device."""
        with self.restored("all"):
            loader, loaders = self.case.train_loader, self._snapshot.loaders
            return draw(loader, self.model, "train_loader", _BATCHES, loaders)
