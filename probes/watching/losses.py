"""Losses as they happen: what a loss function is fed, what goes backward, what is evaluated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

from probes.recording.graph import LastOp, last_op
from probes.watching.curve import Curve
from probes.watching.now import Now, recomputing
from probes.watching.readings import capturing, is_sharded

_MOST_KEPT: Final = 1_000_000  # values of the copy of what a loss was fed
_PHASES: Final = 256
_SAMPLED: Final = 16  # batches of which copies are kept
_PASSED: Final = 16  # operations between a loss and the difference that it is made of
_EVERY: Final = 32  # losses on a device are read that many at a time
_INPUTS: Final = ("input", "target")
_ONE_LINE: Final = 0.9  # of the backward passes: the run has one loss


@dataclass(frozen=True, slots=True)
class Fed:
    """A copy of what a loss function was given in training, cut to a bounded size."""

    function: str
    input: Tensor
    target: Tensor
    last: LastOp
    learned: bool
    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    options: dict[str, Any]
    place: str | None


@dataclass(slots=True)
class Stream:
    """A loss over the run; values on a device are collected before they are read."""

    curve: Curve = field(default_factory=Curve)
    waiting: list[Tensor] = field(default_factory=list)


@dataclass(slots=True)
class Fit:
    """One training of a model, of perhaps several in a run."""

    backward: dict[str, Stream] = field(default_factory=dict)  # by the user's line
    phases: list[Stream] = field(default_factory=list)  # of evaluation, each with its losses
    fitted: Stream = field(default_factory=Stream)  # the same losses in training

    def rank(self) -> tuple[bool, int]:
        """Return how much there is to be told of it: what broke down, then what is longest."""
        curves = [stream.curve for stream in self.backward.values()]
        broken = any(curve.first_nonfinite is not None for curve in curves)
        return broken, sum(curve.count for curve in curves)


class Losses:
    """What goes backward, by the user's line, and what the loss functions of torch are given."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.without_graph = 0
        self.functions: Counter[str] = Counter()
        self.fed: dict[str, Fed] = {}
        self.fit = Fit()  # the one that goes on
        self._told: Fit | None = None  # of those before
        self.samples: list[tuple[Tensor, Tensor]] = []  # what the model and the loss were given
        self.broadcast: tuple[tuple[int, ...], ...] | None = None
        self._unscaled: dict[int, Tensor] = {}
        self._asleep: list[float] = []  # losses of steps slept through, not in the curve yet
        self._phase = -1
        self.first_nonfinite: int | None = None  # backward passes before that of such a loss

    def scaled(self, given: Any, scaled: Any) -> None:
        """Remember the loss that a GradScaler has multiplied."""
        if isinstance(given, Tensor) and isinstance(scaled, Tensor):
            self._unscaled = {id(scaled): given.detach()}

    def nap(self, loss: Any) -> bool:
        """Note the loss that is about to go backward, if that needs no look at anything else."""
        plain = type(loss) is Tensor and loss.is_cpu and loss.requires_grad
        if not plain or len(self.fit.backward) != 1 or self._unscaled or loss.numel() != 1:
            return False
        self.now.backwards += 1
        self._asleep.append(loss.item())
        return True

    def before_backward(self, tensors: Any) -> None:
        """Note the loss that is about to go backward."""
        loss = tensors if isinstance(tensors, Tensor) else next(iter(tensors or ()), None)
        if not isinstance(loss, Tensor):
            return
        self.now.backwards += 1
        self.without_graph += not loss.requires_grad
        self._wake()
        stream = self._stream()
        if self.now.close and self.broadcast is None:
            self.broadcast = broadcast_before(loss)
        loss = self._unscaled.pop(id(loss), loss)
        if is_sharded(loss):
            return
        if loss.numel() == 1 and not capturing(loss):
            self._add(stream, loss)

    def _wake(self) -> None:
        if self._asleep:
            (stream,) = self.fit.backward.values()
            for value in self._asleep:
                stream.curve.add(value)
                self._note_nonfinite(value)
            self._asleep.clear()

    def _stream(self) -> Stream:
        """Return that of the line that goes backward; a single one is not looked up asleep."""
        streams = self.fit.backward
        if self.now.asleep and len(streams) == 1:
            return next(iter(streams.values()))
        place = self.now.lines.note("backward") or "?"
        if place not in streams:
            streams[place] = Stream()
        return streams[place]

    def after_loss(
        self,
        function: str,
        args: Any,
        kwargs: Any,
        result: Any,
        given: Callable[[int], Tensor | None],
    ) -> None:
        """Note one call of a loss function where gradients are on.

        `given(size)`: what the model was given last.
        """
        if not isinstance(result, Tensor) or recomputing() or capturing(result):
            return
        if is_sharded(result):
            return
        self.functions[function] += 1
        if not result.requires_grad:
            return
        if result.numel() == 1:
            self._add(self.fit.fitted, result)
        self.now.lines.note(f"loss:{function}")
        if function not in self.fed:
            self._keep(function, args, kwargs)
        if self.now.close and len(self.samples) < _SAMPLED:
            self._pair(args, kwargs, given)

    def _pair(self, args: Any, kwargs: Any, given: Callable[[int], Tensor | None]) -> None:
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if isinstance(target, Tensor) and target.dim() and target.numel() <= _MOST_KEPT:
            taken = given(target.shape[0])
            if taken is not None:
                self.samples.append((taken.cpu(), target.detach().cpu().clone()))

    def evaluated(self, result: Any) -> None:
        """Note a loss of a batch that is never trained on."""
        if not isinstance(result, Tensor) or result.numel() != 1 or capturing(result):
            return
        if self._phase != self.now.backwards:
            self._phase = self.now.backwards
            if len(self.fit.phases) >= _PHASES:
                del self.fit.phases[1::2]
            self.fit.phases.append(Stream())
        if self.fit.phases:
            self._add(self.fit.phases[-1], result)

    def main(self) -> Curve | None:
        """Return the loss of the line at which nearly all backward passes start."""
        curves = [stream.curve for stream in self.chosen().backward.values()]
        most = max(curves, key=lambda curve: curve.count, default=None)
        if most is None or most.count < _ONE_LINE * sum(curve.count for curve in curves):
            return None
        return most

    def chosen(self) -> Fit:
        """Return the fit that is told of."""
        self._wake()
        return self.fit if self._told is None else max(self._told, self.fit, key=Fit.rank)

    def begin(self) -> None:
        """Note that from now on another model is trained."""
        self.finish()
        self._told, self.fit = self.chosen(), Fit()

    def finish(self) -> None:
        """Read what is still waiting."""
        self._wake()
        for stream in [*self.fit.backward.values(), *self.fit.phases, self.fit.fitted]:
            self._read(stream)

    def _add(self, stream: Stream, loss: Tensor) -> None:
        if loss.is_cpu:
            value = loss.item()
            stream.curve.add(value)
            self._note_nonfinite(value)
            return
        with torch.no_grad():
            stream.waiting.append(loss.detach().float().reshape(()).clone())
        if len(stream.waiting) >= _EVERY:
            self._read(stream)

    def _read(self, stream: Stream) -> None:
        def take(values: list[float]) -> None:
            for value in values:
                stream.curve.add(value)
                self._note_nonfinite(value)

        self.now.readings.read(stream.waiting, take)
        stream.waiting = []

    def _note_nonfinite(self, value: float) -> None:
        if not math.isfinite(value):
            self.now.nonfinite_loss = True
            if self.first_nonfinite is None:
                self.first_nonfinite = self.now.backwards

    def _keep(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = dict(zip(_INPUTS, args, strict=False)) | kwargs
        first, target = given.pop("input", None), given.pop("target", None)
        if not isinstance(first, Tensor) or not isinstance(target, Tensor):
            return
        rows = max(1, _MOST_KEPT // max(first.numel() // max(first.shape[0], 1), 1))
        rows = rows if first.dim() else 1
        with torch.no_grad():
            self.fed[function] = Fed(
                function=function,
                input=_head(first, rows),
                target=_head(target, rows),
                last=last_op(first),
                learned=first.requires_grad,
                input_shape=tuple(first.shape),
                target_shape=tuple(target.shape),
                options=_plain(given),
                place=self.now.lines.here(),
            )


def broadcast_before(loss: Tensor) -> tuple[tuple[int, ...], ...] | None:
    """Return (prediction, joint) shapes where a hand-written loss subtracts a column from a row.

    Read off the graph: the difference of a prediction (N, 1) and something without gradient that
    gives (N, N).
    """
    node: Any = loss.grad_fn
    for _ in range(_PASSED):
        if node is None:
            return None
        before = [entry for entry in node.next_functions if entry[0] is not None]
        if node.name().startswith("SubBackward") and len(before) == 1:
            joint = _shape(node, 0)
            prediction = _shape(*before[0])
            column = len(prediction) == 2 and prediction[1] == 1 and prediction[0] > 1
            wrong = column and joint == (prediction[0], prediction[0])
            return (prediction, joint) if wrong else None
        node = before[0][0] if before else None
    return None


def _shape(node: Any, index: int) -> tuple[int, ...]:
    return tuple(node._input_metadata[index].shape)


def _head(tensor: Tensor, rows: int) -> Tensor:
    return (tensor.detach()[:rows] if tensor.dim() else tensor.detach()).clone()


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in given.items()
        if value is not None and name not in ("size_average", "reduce")
    }
