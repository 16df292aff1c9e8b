"""The same batches with standardised inputs or targets: what would be, were the data prepared.

A run that fails on the data as they are and works on these shows the mechanism: it is the scale of
the data, not the learning rate or the model. The user's tensors are copied, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from torch import Tensor

from probes.case.batches import Batch, map_tensors, take_apart_like
from probes.data import effective_share, input_kind, input_moments, input_tensors, scale_ratio
from probes.quantities.moments import STANDARDISED_LIMIT, Moments, constant, moments, standardise
from probes.quantities.task import infer

if TYPE_CHECKING:
    from probes.running.examination import Examination

# Where trying standardised data is worth its steps; deliberately wide, for nothing is concluded
# from these bounds: the runs themselves tell whether the scale matters.
USUAL_STD: Final = (0.2, 5.0)
USUAL_OFFSET: Final = 3.0  # |mean| / std
USUAL_RATIO: Final = 5.0  # largest / smallest feature deviation


def odd(found: Moments) -> bool:
    """Return whether the values are of a scale that may well disturb training."""
    std = found.std[~constant(found.mean, found.std)]
    if not std.numel() or found.nonfinite_share > 0:
        return False
    uneven = scale_ratio(std) > USUAL_RATIO and effective_share(std) < 0.5
    usual = USUAL_STD[0] <= found.overall_std <= USUAL_STD[1]
    offset = float((found.mean.abs() / found.std.clamp(min=1e-30)).median())
    off = max(offset, abs(found.overall_mean) / max(found.overall_std, 1e-30)) > USUAL_OFFSET
    return uneven or not usual or off


def with_standard_inputs(exam: Examination, batches: Sequence[Batch]) -> list[Batch] | None:
    """Return the batches with every input feature at mean 0, deviation 1; None where not odd."""
    if input_kind(exam) != "continuous":
        return None
    found = input_moments(exam)
    finite = all(part.nonfinite_share == 0 for part in found.values())
    if not finite or not any(odd(part) for part in found.values()):
        return None
    return [_swapped(batch, _standard_inputs(batch, found)) for batch in batches]


def with_standard_targets(exam: Examination, batches: Sequence[Batch]) -> list[Batch] | None:
    """Return the batches with every target column at mean 0, deviation 1.

    None unless the task is a regression on targets of an odd scale.
    """
    targets = [batch.target_tensor for batch in exam.batches]
    known = [t for t in targets if t is not None and t.is_floating_point() and t.dim()]
    if infer(exam).name != "regression" or len(known) != len(targets):
        return None
    if len({target.shape[1:] for target in known}) != 1:
        return None
    found = moments(known, 1 if known[0].dim() > 1 else 0)
    if not odd(found):
        return None

    def change(batch: Batch) -> Mapping[int, Tensor]:
        target = batch.target_tensor
        return {} if target is None else {id(target): standardise(target, found)}

    return [_swapped(batch, change(batch)) for batch in batches]


def with_standard_both(exam: Examination, batches: Sequence[Batch]) -> list[Batch] | None:
    """Return the batches with inputs and targets standardised; None unless both are odd."""
    changed = with_standard_inputs(exam, batches)
    return None if changed is None else with_standard_targets(exam, changed)


def _standard_inputs(batch: Batch, found: Mapping[str, Moments]) -> Mapping[int, Tensor]:
    return {
        id(tensor): standardise(tensor, found[name], limit=STANDARDISED_LIMIT)
        for name, tensor in input_tensors(batch).items()
        if name in found
    }


def _swapped(batch: Batch, new: Mapping[int, Tensor]) -> Batch:
    raw = map_tensors(batch.raw, lambda tensor: new.get(id(tensor), tensor))
    return take_apart_like(batch, raw)
