"""What kind of task a case is: inferred from its targets, its output and its loss function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from probes.case.batches import call_model, tensors_in
from probes.recording.recording import main_output

if TYPE_CHECKING:
    from probes.running.examination import Examination

IGNORED: Final = -100  # ignore_index of torch.nn.functional.cross_entropy: no class
INDEX_LOSSES: Final = ("cross_entropy", "nll_loss", "multi_margin_loss")
BINARY_LOSSES: Final = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
_LOSS_MODULES: Final = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.NLLLoss: "nll_loss",
    nn.BCELoss: "binary_cross_entropy",
    nn.BCEWithLogitsLoss: "binary_cross_entropy_with_logits",
    nn.MSELoss: "mse_loss",
    nn.L1Loss: "l1_loss",
    nn.SmoothL1Loss: "smooth_l1_loss",
    nn.HuberLoss: "huber_loss",
    nn.KLDivLoss: "kl_div",
}


@dataclass(frozen=True, slots=True)
class Task:
    """`name` as in the fact `task`, `kind` as in the fact `target.kind`."""

    name: str
    kind: str

    @property
    def has_classes(self) -> bool:
        """Return whether the targets name classes."""
        return self.kind in ("class-index", "one-hot", "binary", "multi-label")

    def classes(
        self, exam: Examination, labels: list[Tensor] | None, outputs: int | None
    ) -> int | None:
        """Return the number of classes: declared, else of the outputs, else seen."""
        if not self.has_classes:
            return None
        if exam.case.num_classes is not None:
            return exam.case.num_classes
        if self.kind == "binary":
            return 2
        if outputs is not None:
            return outputs
        seen = torch.cat(labels) if labels else torch.empty(0)
        return int(seen.max()) + 1 if seen.numel() else None


def infer(exam: Examination) -> Task:
    """Return the task of the case: declared, else inferred ("unknown" without targets)."""
    guess = _guess(exam)
    declared = exam.case.task
    if declared is None or declared == guess.name:
        return guess
    if declared == "regression":
        return Task(declared, "continuous")
    if declared in ("classification", "binary") and guess.kind == "continuous":
        values = _sample(targets_of(exam))
        whole = bool((values == values.round()).all())
        return Task(declared, "class-index" if whole else "continuous")
    return replace(guess, name=declared)


def targets_of(exam: Examination) -> list[Tensor]:
    """Return the first target tensor of every drawn batch."""
    found = (batch.target_tensor for batch in exam.batches)
    return [target for target in found if target is not None]


def loss_function(exam: Examination) -> str | None:
    """Return the name of the one loss function seen (as in torch.nn.functional), else None."""
    try:
        calls = [call for call in exam.recording.loss_calls if call.learned]
    except Exception:  # the user's loss fails; its module may still tell what it is
        calls = []
    if len(calls) == 1:
        return calls[0].function
    loss_fn = exam.case.loss_fn
    if isinstance(loss_fn, nn.Module):
        return _LOSS_MODULES.get(type(loss_fn))
    return getattr(loss_fn, "__name__", None)


def output_of(exam: Examination) -> Tensor | None:
    """Return the model's output for `exam.batch`, also where the loss cannot be computed."""
    try:
        if exam.recording.output is not None:
            return exam.recording.output
    except Exception:  # the loss fails: the output alone is still worth having
        pass
    try:
        with exam.training(), torch.no_grad():
            return main_output(call_model(exam.model, exam.batch.inputs))
    except Exception:
        return None


def outputs_of(exam: Examination, task: Task) -> int | None:
    """Return how many classes the model's output can name, None where unknown."""
    output, target = output_of(exam), exam.batch.target_tensor
    if output is None or target is None or not task.has_classes or output.dim() < 2:
        return None
    return int(output.shape[class_axis(output, target)])


def class_axis(output: Tensor, target: Tensor) -> int:
    """Return the axis of `output` over which classes are laid out, for targets like `target`."""
    if output.dim() == 2 or output.shape[:-1] == target.shape:
        return output.dim() - 1
    return 1


def class_labels(task: Task, targets: list[Tensor]) -> list[Tensor] | None:
    """Return the class indices of every batch, flat and without ignored ones.

    None where the targets name no single class.
    """
    if task.kind == "one-hot":
        return [target.argmax(-1).reshape(-1) for target in targets]
    if task.kind == "binary":
        return [(target.reshape(-1) > 0.5).long() for target in targets]
    if task.kind != "class-index":
        return None
    flat = [target.reshape(-1).long() for target in targets]
    return [labels[(labels != IGNORED) & (labels >= 0)] for labels in flat]


def _guess(exam: Examination) -> Task:
    targets = targets_of(exam)
    if not targets:
        return Task("unknown", "none")
    output, function = output_of(exam), loss_function(exam)
    first = targets[0]
    if _is_language_model(exam, first, output):
        return Task("language-model", "class-index")
    if _equals_input(exam):
        return Task("autoencoder", "input")
    if first.is_complex():
        return Task("regression", "continuous")
    if first.is_floating_point():
        return _guess_floating(first, _sample(targets), function)
    return _guess_integer(first, _sample(targets), output, exam.batch.target_tensor, function)


def _sample(targets: list[Tensor]) -> Tensor:
    """Return the values of all targets, flat, of large ones only a part."""
    most = max(1_000_000 // len(targets), 1)
    return torch.cat([target.detach().reshape(-1)[:most] for target in targets])


def _is_language_model(exam: Examination, target: Tensor, output: Tensor | None) -> bool:
    ids = [t for t in tensors_in(exam.batch.inputs) if t.dtype in (torch.int64, torch.int32)]
    return (
        not target.is_floating_point()
        and target.dim() == 2
        and any(t.dim() == 2 and t.shape[0] == exam.batch.size for t in ids)
        and target.shape[1] > 1
        and (output is None or output.dim() != 2 or output.shape[0] > target.shape[0])
    )


def _equals_input(exam: Examination) -> bool:
    target, given = exam.batch.target_tensor, exam.batch.input_tensor
    if target is None or given is None or target.dim() < 2:
        return False
    return target is given or torch.equal(target, given)


def _guess_floating(target: Tensor, values: Tensor, function: str | None) -> Task:
    several = target.dim() >= 2 and target.shape[-1] > 1
    zero_one = bool(((values == 0) | (values == 1)).all())
    varied = values.numel() > 0 and bool((values != values[0]).any())
    sums = target.sum(-1) if several else target
    rows_sum_to_one = several and bool((target >= 0).all() and ((sums - 1).abs() < 1e-3).all())
    if rows_sum_to_one and (zero_one or function in ("cross_entropy", "kl_div")):
        return Task("classification", "one-hot")
    if function in BINARY_LOSSES or (zero_one and varied):
        many = several and target.dim() == 2
        return Task("multilabel", "multi-label") if many else Task("binary", "binary")
    return Task("regression", "continuous")


def _guess_integer(
    target: Tensor, values: Tensor, output: Tensor | None, cut: Tensor | None, function: str | None
) -> Task:
    zero_one = bool(((values == 0) | (values == 1)).all())
    if function in INDEX_LOSSES or output is None or cut is None:
        return Task("classification", "class-index")
    if target.dim() == 2 and target.shape[1] > 1 and output.shape == cut.shape and zero_one:
        one_each = bool((target.sum(1) == 1).all())
        return Task("classification", "one-hot") if one_each else Task("multilabel", "multi-label")
    if output.numel() == cut.numel():
        return Task("binary", "binary") if zero_one else Task("regression", "continuous")
    return Task("classification", "class-index")
