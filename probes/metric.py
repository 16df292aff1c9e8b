"""Probe of the user's metric: does it tell perfect predictions from shuffled ones?

The predictions are made from the targets themselves, so nothing depends on the model. A metric that
gives the same for both (a broadcast comparison, the wrong axis) says nothing about the training.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import map_tensors
from probes.probe import Probe
from probes.quantities.task import class_axis, infer

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SHUFFLES: Final = 20
_SURE: Final = 8.0  # a logit that leaves no doubt
_SAME: Final = 1e-6


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `metric.*`; nothing where it cannot be called on outputs and targets."""
    metric, target, output = exam.case.metric, exam.batch.target_tensor, exam.recording.output
    if metric is None or target is None or output is None or target.shape[:1] != output.shape[:1]:
        return
    perfect = _perfect(exam, output, target)
    if perfect is None:
        return
    with exam.restored("all"):
        best = _value(metric, perfect, target)
        shuffled = [_value(metric, perfect[order], target) for order in _orders(target)]
    known = [value for value in shuffled if value is not None]
    if best is None or not known:
        return
    yield exam.observe("metric.perfect", best)
    yield exam.observe("metric.shuffled", sum(known) / len(known))
    yield exam.observe("metric.notices_errors", _notices(best, known))


def _notices(best: float, shuffled: list[float]) -> bool:
    """Return whether perfect predictions stand out on one side of all shuffled ones.

    By more than these scatter: a metric that compares the wrong things is now and then beyond them.
    """
    margin = max(_SAME * max(1.0, abs(best)), statistics.pstdev(shuffled))
    return best > max(shuffled) + margin or best < min(shuffled) - margin


def _perfect(exam: Examination, output: Tensor, target: Tensor) -> Tensor | None:
    """Return the outputs of a model that is right on every sample; None where it is not plain."""
    kind = infer(exam).kind
    if kind == "class-index" and output.dim() >= 2 and not target.is_floating_point():
        axis = class_axis(output, target)
        count = output.shape[axis]
        whole = (*output.shape[:axis], *output.shape[axis + 1 :])
        if tuple(target.shape) != whole or int(target.max()) >= count or int(target.min()) < 0:
            return None
        truth = F.one_hot(target.long(), count).movedim(-1, axis).to(output.dtype)
        return truth if exam.recording.output_last.name == "softmax" else _SURE * truth
    if target.shape != output.shape or not target.is_floating_point():
        return None
    if kind in ("binary", "multi-label"):
        bounded = exam.recording.output_last.name in ("sigmoid", "hardsigmoid")
        return target.clone() if bounded else _SURE * (2.0 * target - 1.0)
    return target.clone() if kind == "continuous" else None


def _orders(target: Tensor) -> list[Tensor]:
    """Return orders of the samples in which many get another one's target."""
    generator = torch.Generator().manual_seed(0)
    rows = target.reshape(target.shape[0], -1)
    made = [
        torch.randperm(len(rows), generator=generator).to(rows.device) for _ in range(_SHUFFLES)
    ]
    return [order for order in made if bool((rows[order] != rows).any())]


def _value(metric: Any, output: Tensor, target: Tensor) -> float | None:
    try:
        with torch.no_grad():
            given = map_tensors((output, target), torch.clone)
            value = float(metric(*given))
    except Exception:  # it takes something else, or refuses these
        return None
    return value if math.isfinite(value) else None


PROBE = Probe(
    id="metric",
    title=Text(en="The metric on known answers", zh="用已知答案检验指标"),
    needs=("targets",),
    provides=("metric.perfect", "metric.shuffled", "metric.notices_errors"),
    cost=1,
    about="metric",
    measure=measure,
)
