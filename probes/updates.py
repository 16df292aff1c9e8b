"""Probe of the updates: how far a few of the user's own optimizer steps move each parameter.

About 1e-3 of the weights per step is usual (CS231n, "Neural networks part 3"; section 33 of the
"37 reasons").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.training.short_training import refuse_closures, small_batches, step

if TYPE_CHECKING:
    from probes.running.examination import Examination

STEPS: Final = 3


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `update.*`; raises Unsuitable for optimizers that step with a closure."""
    refuse_closures(exam)
    held = {id(p) for o in exam.case.optimizers for g in o.param_groups for p in g["params"]}
    named = {
        name: parameter
        for name, parameter in exam.model.named_parameters()
        if parameter.requires_grad and id(parameter) in held and parameter.numel()
    }
    if not named:
        return
    ratios, moved, pushed = _steps(exam, list(named.values()))
    names = tuple(named)
    median = torch.stack(ratios).median(0).values
    kernels = torch.tensor([parameter.dim() > 1 for parameter in named.values()])
    usual = median[kernels] if bool(kernels.any()) else median  # biases begin at 0: any ratio goes
    finite = usual[torch.isfinite(usual)]
    yield exam.observe("update.ratio", tuple(median.tolist()), where=names)
    if finite.numel():
        yield exam.observe("update.ratio_median", float(finite.median()))
        yield exam.observe("update.ratio_max", float(finite.max()))
    unchanged = pushed & ~moved
    yield exam.observe("update.unchanged", tuple(unchanged.tolist()), where=names)
    if bool(pushed.any()):
        share = float(unchanged.sum() / pushed.sum())
        yield exam.observe("update.unchanged_share", share)


def _steps(exam: Examination, own: list[nn.Parameter]) -> tuple[list[Tensor], Tensor, Tensor]:
    """Return update ratios per step, which parameters moved, and which had a gradient at all."""
    batches = small_batches(exam)
    ratios: list[Tensor] = []
    moved = pushed = torch.zeros(len(own), dtype=torch.bool)
    with exam.training():
        for index in range(STEPS):
            before = [parameter.detach().clone() for parameter in own]
            step(exam, batches[index % len(batches)])
            gradients = [p.new_zeros(()) if p.grad is None else p.grad.norm() for p in own]
            pushed = pushed | (_together(gradients) != 0)
            ratio = _relative_change(before, own)
            ratios.append(ratio)
            moved = moved | ~(ratio == 0)
            exam.progress((index + 1) / STEPS)
    return ratios, moved, pushed


def _relative_change(before: list[Tensor], after: list[nn.Parameter]) -> Tensor:
    """Return ||change|| / ||before|| per parameter; 1 where it began at 0 and moved."""
    with torch.no_grad():
        change = torch._foreach_sub([parameter.detach() for parameter in after], before)
        moved = _together(torch._foreach_norm(change, 2, dtype=torch.float32))
        norm = _together(torch._foreach_norm(before, 2, dtype=torch.float32))
    return torch.where(norm > 0, moved / norm.clamp(min=1e-30), (moved > 0).float())


def _together(values: Sequence[Tensor]) -> Tensor:
    """Return single numbers from one or several devices as one tensor on the host."""
    home = values[0].device
    return torch.stack([value.detach().to(home, torch.float32) for value in values]).cpu()


PROBE = Probe(
    id="updates",
    title=Text(en="The size of the updates", zh="参数更新的幅度"),
    needs=("loss", "optimizer", "gradients"),
    provides=(
        "update.ratio",
        "update.ratio_median",
        "update.ratio_max",
        "update.unchanged",
        "update.unchanged_share",
    ),
    cost=STEPS,
    measure=measure,
)
