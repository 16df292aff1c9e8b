"""Probe of the updates: how far a few of the user's own optimizer steps move each parameter.

About 1e-3 of the weights per step is usual (CS231n, "Neural networks part 3"; section 33 of the
"37 reasons").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.fused import norms
from probes.training.short_training import refuse_closures, small_batches, step

if TYPE_CHECKING:
    from probes.running.examination import Examination

STEPS: Final = 2


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
    ratios, moved, pushed, driven = _steps(exam, list(named.values()))
    names = tuple(named)
    average = torch.stack(ratios).mean(0)
    kernels = torch.tensor([parameter.dim() > 1 for parameter in named.values()])
    kernels = kernels if bool(kernels.any()) else ~kernels  # biases begin at 0
    # behind a gain of 0 (residual branches begin so) a first step has no gradient to follow
    usual = average[kernels & driven] if bool((kernels & driven).any()) else average[kernels]
    finite = usual[torch.isfinite(usual)]
    yield exam.observe("update.ratio", tuple(average.tolist()), where=names)
    if finite.numel():
        yield exam.observe("update.ratio_median", float(finite.median()))
        yield exam.observe("update.ratio_max", float(finite.max()))
    unchanged = pushed & ~moved
    yield exam.observe("update.unchanged", tuple(unchanged.tolist()), where=names)
    if bool(pushed.any()):
        share = float(unchanged.sum() / pushed.sum())
        yield exam.observe("update.unchanged_share", share)


def _steps(
    exam: Examination, own: list[nn.Parameter]
) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Return update ratios per step, which parameters moved, which had a gradient, which always.

    The first step takes the gradients that were recorded, which saves going forward and backward.
    """
    batches = small_batches(exam)
    ratios: list[Tensor] = []
    moved = pushed = torch.zeros(len(own), dtype=torch.bool)
    driven = ~pushed
    with exam.training():
        now = [parameter.detach() for parameter in own]
        size, before = torch.tensor(norms(own)), [values.clone() for values in now]
        for index in range(STEPS):
            torch._foreach_copy_(before, now)
            if index:
                step(exam, batches[index % len(batches)])
            else:
                _step_as_recorded(exam)
            torch._foreach_sub_(before, now)
            gradients = [p.new_zeros(()) if p.grad is None else p.grad for p in own]
            both = torch.tensor(norms([*before, *gradients]))
            far, steep = both[: len(own)], both[len(own) :]
            pushed, driven = pushed | (steep != 0), driven & (steep != 0)
            ratio = torch.where(size > 0, far / size.clamp(min=1e-30), (far > 0).float())
            ratios.append(ratio)
            moved = moved | ~(ratio == 0)
            exam.progress((index + 1) / STEPS)
    return ratios, moved, pushed, driven


def _step_as_recorded(exam: Examination) -> None:
    gradients = exam.recording.gradients
    for name, parameter in exam.model.named_parameters():
        gradient = gradients.get(name)
        parameter.grad = None if gradient is None else gradient.clone()  # optimizers may change it
    for optimizer in exam.case.optimizers:
        optimizer.step()


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
