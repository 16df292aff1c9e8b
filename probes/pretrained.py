"""Probe of batch norms that come with statistics: are they fed what they were trained on?

A batch norm remembers the mean and deviation of its inputs. Where a pretrained network begins with
one, comparing what it remembers with what it is fed shows inputs prepared otherwise than those it
was trained on (section 14 of the "37 reasons").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import call_model
from probes.probe import Probe
from probes.quantities.moments import wide

if TYPE_CHECKING:
    from probes.running.examination import Examination

TRAINED: Final = 40  # batches: statistics of fewer still show where they began


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `pretrained.*`, where the first normalisation has learnt its statistics."""
    norms = [module for module in exam.model.modules() if _learnt(module)]
    if not norms:
        return
    inputs = exam.batch.inputs  # drawing puts everything back, hooks included: before them
    fed: list[tuple[nn.Module, Tensor]] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if not fed:
            fed.append((module, given[0].detach()))

    with exam.training():
        exam.model.eval()
        hooks = [norm.register_forward_pre_hook(note) for norm in norms]
        try:
            exam.count_steps(1)
            with torch.no_grad():
                call_model(exam.model, inputs)
        finally:
            for hook in hooks:
                hook.remove()
    if fed:
        yield from _compared(exam, *fed[0])


def _learnt(module: nn.Module) -> bool:
    counted = getattr(module, "num_batches_tracked", None)
    known = isinstance(module, nn.modules.batchnorm._NormBase) and module.running_mean is not None
    return known and counted is not None and int(counted) >= TRAINED


def _compared(exam: Examination, norm: nn.Module, values: Tensor) -> Iterator[Observation]:
    rows = wide(values).movedim(1, -1).reshape(-1, values.shape[1])
    mean, spread = wide(norm.running_mean), wide(norm.running_var).sqrt()  # type: ignore[arg-type]
    used = spread > 1e-6 * spread.max()
    if not bool(used.any()) or len(rows) < 2:
        return
    shift = (rows.mean(0) - mean).abs()[used] / spread[used]
    yield exam.observe("pretrained.norm_shift", float(shift.median()))
    yield exam.observe("pretrained.norm_ratio", float((rows.std(0)[used] / spread[used]).median()))
    yield exam.observe("pretrained.norm_batches", int(norm.num_batches_tracked))  # type: ignore[arg-type]


PROBE = Probe(
    id="pretrained",
    title=Text(en="What pretrained layers are fed", zh="预训练层收到的输入"),
    needs=(),
    provides=("pretrained.norm_shift", "pretrained.norm_ratio", "pretrained.norm_batches"),
    cost=1,
    measure=measure,
)
