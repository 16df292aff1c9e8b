"""Train a case as its user would and score it: the proof that patients are ill, controls well."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from .data import CaseDict


def accuracy(out: Tensor, target: Tensor) -> float:
    """Return the share of right classes; logits with classes on axis 1."""
    return float((out.argmax(1) == target).float().mean())


def character_accuracy(out: Tensor, target: Tensor) -> float:
    """Return the share of right characters; logits (N, T, V)."""
    return float((out.argmax(-1) == target).float().mean())


def nearest_class(out: Tensor, target: Tensor) -> float:
    """Return the share of predictions nearest to the right class number."""
    return float((out.round() == target).float().mean())


def balanced_from_logits(out: Tensor, target: Tensor) -> float:
    """Return the mean of both classes' shares of right answers (over columns), threshold 0."""
    return _balanced(out > 0, target)


def balanced_from_probabilities(out: Tensor, target: Tensor) -> float:
    """Return the mean of both classes' shares of right answers (over columns), threshold 0.5."""
    return _balanced(out > 0.5, target)


def explained(out: Tensor, target: Tensor) -> float:
    """Return the explained share of variance, R squared; NaN counts as minus infinity."""
    target = target.view_as(out)
    share = 1 - float(((out - target) ** 2).mean() / ((target - target.mean(0)) ** 2).mean())
    return share if share == share else -torch.inf


def train(case: CaseDict) -> str:
    """Train the case for its epochs in place; return "" or the error that ended the training."""
    training = case["model"].training
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(case["epochs"]):
                case["model"].train(training)
                _epoch(case)
    except (RuntimeError, IndexError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def predictions(case: CaseDict) -> tuple[Tensor, Tensor]:
    """Return the model's outputs and the targets over the validation set, in evaluation mode."""
    model = case["model"].eval()
    with torch.no_grad():
        pairs = [_inputs_and_target(batch) for batch in case["val_loader"]]
        outs = [model(inputs) for inputs, _ in pairs]
    return torch.cat(outs), torch.cat([target for _, target in pairs])


def _epoch(case: CaseDict) -> None:
    whole = getattr(case.get("step"), "is_whole", False)  # it does everything itself
    for batch in case["train_loader"]:
        if whole:
            case["step"](case["model"], batch)
            continue
        case["optimizer"].zero_grad()
        _loss(case, batch).backward()  # type: ignore[no-untyped-call]
        case["optimizer"].step()
    if "scheduler" in case and not whole:
        case["scheduler"].step()


def _loss(case: CaseDict, batch: Any) -> Tensor:
    model: nn.Module = case["model"]
    if "step" in case:
        loss: Tensor = case["step"](model, batch)
    else:
        inputs, target = _inputs_and_target(batch)
        loss = case["loss_fn"](model(inputs), target)
    return loss


def _inputs_and_target(batch: Any) -> tuple[Tensor, Tensor]:
    if isinstance(batch, Tensor):
        return batch, batch
    if isinstance(batch, dict):
        return batch["input_ids"], batch["labels"]
    inputs, target = batch
    return inputs, target


def _balanced(yes: Tensor, target: Tensor) -> float:
    truth = target == target.max()
    hits = (yes & truth).sum(0) / truth.sum(0)
    rejections = (~yes & ~truth).sum(0) / (~truth).sum(0)
    return float(((hits + rejections) / 2).mean())
