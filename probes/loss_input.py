"""Probe of what the loss function is given: probabilities or scores, which shapes, what range.

Seen at the call itself, so modules, functions and hand-written losses are treated alike. A softmax
is known by the graph before the loss, or by eight rows and more that are all positive and sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.better import better_prediction_lowers_loss, finite_when_certain
from probes.quantities.chance import chance_loss
from probes.quantities.endless import constant_falls_without_end
from probes.quantities.loss_floor import loss_floor
from probes.recording.graph import LastOp
from probes.recording.loss_call import LossCall

if TYPE_CHECKING:
    from probes.running.examination import Examination

_ROWS: Final = 8  # so many rows do not sum to 1 by chance
_MOST_ROWS: Final = 4096
_BY_CLASS: Final = frozenset({"cross_entropy", "nll_loss"})
_BINARY: Final = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})


@dataclass(frozen=True, slots=True)
class _Given:
    """What a loss was given."""

    function: str
    input: Tensor
    target: Tensor | None
    last: LastOp
    call: LossCall | None

    @property
    def axis(self) -> int:
        """The axis over which classes lie: 1 for PyTorch's class losses, else the last."""
        if self.input.dim() < 2:
            return 0
        return 1 if self.function in _BY_CLASS else self.input.dim() - 1

    @property
    def by_element(self) -> bool:
        """Whether every value is a prediction of its own: one column, or one per label."""
        single = self.input.dim() < 2 and self.function not in _BY_CLASS
        return single or self.function in _BINARY or self.input.shape[self.axis] == 1


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `loss.*` about the loss function's arguments."""
    given = _given(exam)
    yield exam.observe("loss.function", given.function if given else "custom")
    yield exam.observe("loss.calls", len(exam.recording.loss_calls))
    yield from _broadcasts(exam)
    if given is None:
        return
    yield exam.observe("loss.input_shape", str(tuple(given.input.shape)))
    if given.target is not None:
        yield exam.observe("loss.target_shape", str(tuple(given.target.shape)))
    yield exam.observe("loss.input_last_op", given.last.name)
    yield exam.observe("loss.input_softmaxed_twice", given.last.of == "softmax")
    if given.call is not None and given.call.reduction is not None:
        yield exam.observe("loss.reduction", given.call.reduction)
    if given.input.is_floating_point() and given.input.numel():
        yield from _values(exam, given)
    yield from _floor(exam, given)
    lowers = better_prediction_lowers_loss(exam)
    if lowers is not None:
        yield exam.observe("loss.better_prediction_lowers_it", lowers)
    certain = finite_when_certain(exam) if given.function == "custom" else None
    if certain is not None:
        yield exam.observe("loss.finite_when_certain", certain)
    endless = constant_falls_without_end(exam) if given.function == "custom" else None
    if endless is not None:
        yield exam.observe("loss.constant_falls_without_end", endless)


def _given(exam: Examination) -> _Given | None:
    recording, call = exam.recording, exam.recording.loss_call
    if call is not None:
        return _Given(call.function, call.input, call.target, call.last, call)
    if recording.output is None:
        return None
    return _Given("custom", recording.output, exam.batch.target_tensor, recording.output_last, None)


def _broadcasts(exam: Examination) -> Iterator[Observation]:
    found = exam.recording.broadcasts
    yield exam.observe("loss.broadcasts", bool(found))
    if found:
        prediction, target, joint = found[0]
        yield exam.observe("loss.broadcast_shapes", f"{prediction} with {target} -> {joint}")


def _values(exam: Examination, given: _Given) -> Iterator[Observation]:
    low, high, off_one, off_zero, rows = _sums(given)
    yield exam.observe("loss.input_min", low)
    yield exam.observe("loss.input_max", high)
    close = 1e-3 if given.input.dtype in (torch.float32, torch.float64) else 1e-2
    enough = rows >= _ROWS and not given.by_element
    summed = enough and low >= -1e-6 and high <= 1 + 1e-3 and off_one <= close
    by_graph = given.last.name == "softmax" or (
        given.by_element and given.last.name in ("sigmoid", "hardsigmoid")
    )
    yield exam.observe("loss.input_is_probability", bool(summed or by_graph))
    logs = enough and high <= 1e-3 and off_zero <= close
    by_graph = given.last.name == "log_softmax" or (
        given.by_element and given.last.name == "logsigmoid"
    )
    yield exam.observe("loss.input_is_log_probability", bool(logs or by_graph))


def _sums(given: _Given) -> tuple[float, float, float, float, int]:
    """Return minimum, maximum, how far row sums are from 1, how far log-sums from 0, and rows."""
    values = given.input.detach().movedim(given.axis, -1) if given.input.dim() else given.input
    table = values.reshape(-1, values.shape[-1] if values.dim() else 1).float()
    part = table[:_MOST_ROWS]
    low, high = torch.aminmax(table)
    off_one = (part.sum(1) - 1).abs().max()
    off_zero = part.logsumexp(1).abs().max()
    found = torch.stack([low, high, off_one, off_zero]).tolist()
    return found[0], found[1], found[2], found[3], table.shape[0]


def _floor(exam: Examination, given: _Given) -> Iterator[Observation]:
    if given.call is None or given.call.inside:
        return
    floor = loss_floor(given.call)
    if floor is None or not math.isfinite(floor):
        return
    yield exam.observe("loss.floor", floor)
    seen = exam.found.get("loss.chance")
    chance = seen.value if seen is not None else chance_loss(exam)
    if isinstance(chance, float | int) and chance > 0:
        yield exam.observe("loss.floor_over_chance", floor / chance)


PROBE = Probe(
    id="loss_input",
    title=Text(en="What the loss function is given", zh="损失函数的输入"),
    needs=(),
    provides=(
        "loss.function",
        "loss.calls",
        "loss.broadcasts",
        "loss.broadcast_shapes",
        "loss.input_shape",
        "loss.target_shape",
        "loss.input_last_op",
        "loss.input_softmaxed_twice",
        "loss.reduction",
        "loss.input_min",
        "loss.input_max",
        "loss.input_is_probability",
        "loss.input_is_log_probability",
        "loss.floor",
        "loss.floor_over_chance",
        "loss.better_prediction_lowers_it",
        "loss.constant_falls_without_end",
        "loss.finite_when_certain",
    ),
    cost=1,
    measure=measure,
    after=("loss_at_start",),
)
