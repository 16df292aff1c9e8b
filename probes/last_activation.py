"""Probe of the model's output: its last activation, its range, and what the targets ask for.

The activation is read from the autograd graph through views and casts, so functional and module
style are seen alike; without a graph, from the observed functions. An output scaled or shifted
after its activation counts as "none": its range is not the activation's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import call_model
from probes.probe import Probe
from probes.quantities.task import class_axis, infer, loss_function, targets_of
from probes.recording.graph import LastOp
from probes.recording.recording import main_output

if TYPE_CHECKING:
    from probes.running.examination import Examination

_DISTANCES: Final = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
_MARGIN: Final = 0.01  # of the targets' standard deviation, beyond the reachable range
_MOST_VALUES: Final = 4_000_000


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `output.*` and the targets' scale against it."""
    output, last = exam.recording.output, exam.recording.output_last
    if output is None or not output.is_floating_point() or output.numel() == 0:
        return
    yield exam.observe("output.last_activation", last.name)
    yield exam.observe("output.shape", str(tuple(output.shape)))
    yield exam.observe("output.count", _count(exam, output))
    for side, bound in (("low", last.low), ("high", last.high)):
        if bound is not None:
            yield exam.observe(f"output.range_{side}", bound)
    low, high, mean, std = _statistics(output)
    for name, value in (("min", low), ("max", high), ("mean", mean), ("std", std)):
        yield exam.observe(f"output.{name}", value)
    varies = _varies(exam, output)
    if varies is not None:
        yield exam.observe("output.varies_with_input", varies)
    if _compared(exam, output):
        yield from _against_targets(exam, last, std)


def _count(exam: Examination, output: Tensor) -> int:
    target = exam.batch.target_tensor
    if output.dim() < 2:
        return 1
    indexed = target is not None and infer(exam).kind == "class-index"
    axis = class_axis(output, target) if target is not None and indexed else -1
    return int(output.shape[axis])


def _statistics(values: Tensor) -> list[float]:
    """Return minimum, maximum, mean and standard deviation, in one transfer."""
    seen = values.detach().float()
    var, mean = torch.var_mean(seen, correction=0)
    low, high = torch.aminmax(seen)
    return [float(value) for value in torch.stack([low, high, mean, var.sqrt()]).tolist()]


def _varies(exam: Examination, output: Tensor) -> float | None:
    """Return the output's deviation over samples against its magnitude (root mean square).

    Dropout makes outputs differ that are the same, so with dropout the model evaluates once more.
    """
    if any(op.probability for op in exam.recording.ops):
        evaluated = _evaluated(exam)
        output = output if evaluated is None else evaluated
    if output.dim() == 0 or output.shape[0] < 2:
        return None
    values = output.detach().float()
    spread = values.var(dim=0, correction=0).mean().sqrt()
    deviation, magnitude = torch.stack([spread, values.square().mean().sqrt()]).tolist()
    if not math.isfinite(deviation) or not math.isfinite(magnitude):
        return None
    return float(deviation / magnitude) if magnitude else 0.0


def _evaluated(exam: Examination) -> Tensor | None:
    with exam.training(), torch.no_grad():
        exam.model.eval()
        exam.count_steps(1)
        try:
            return main_output(call_model(exam.model, exam.batch.inputs))
        except Exception:  # a model that only the user's `step` knows how to call
            return None


def _compared(exam: Examination, output: Tensor) -> bool:
    """Return whether the output stands for the targets, value by value.

    Parameters of a distribution or bins do not, and their range says nothing about the targets.
    """
    target = exam.batch.target_tensor
    if target is None or loss_function(exam) in _DISTANCES:
        return True
    return output.numel() == target.numel()


def _against_targets(exam: Examination, last: LastOp, std: float) -> Iterator[Observation]:
    found = [target for target in targets_of(exam) if target.is_floating_point()]
    regression = infer(exam).name in ("regression", "autoencoder")
    if not found or not (regression or loss_function(exam) in _DISTANCES):
        return
    targets = torch.cat([t.reshape(-1)[: max(1, _MOST_VALUES // len(found))] for t in found])
    targets = targets[torch.isfinite(targets)].float()
    if targets.numel() == 0:
        return
    low, high, mean, spread = _statistics(targets)
    if last.low is not None or last.high is not None:
        yield exam.observe("output.target_outside_share", _outside(targets, last, spread))
    if regression and math.isfinite(std):
        scale = spread or max(abs(low), abs(high))
        yield exam.observe("target.scale_over_output", _over(scale, std))
        yield exam.observe("target.offset_over_output", _over(abs(mean), std))


def _outside(targets: Tensor, last: LastOp, spread: float) -> float:
    margin = _MARGIN * spread
    low = -math.inf if last.low is None else last.low - margin
    high = math.inf if last.high is None else last.high + margin
    return float(((targets < low) | (targets > high)).float().mean())


def _over(value: float, by: float) -> float:
    if by:
        return value / by
    return math.inf if value else 0.0


PROBE = Probe(
    id="last_activation",
    title=Text(en="Last activation and range of the output", zh="最后一层激活与输出范围"),
    needs=(),
    provides=(
        "output.last_activation",
        "output.shape",
        "output.count",
        "output.range_low",
        "output.range_high",
        "output.min",
        "output.max",
        "output.mean",
        "output.std",
        "output.varies_with_input",
        "output.target_outside_share",
        "target.scale_over_output",
        "target.offset_over_output",
    ),
    cost=2,
    measure=measure,
)
