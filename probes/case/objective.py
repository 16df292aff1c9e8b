"""The loss of a batch, computed the way the user's own loop would."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import torch
from torch import nn

from expert.errors import UsageError
from probes.case.batches import Batch, call_model
from probes.case.case import Case
from probes.case.own_step import without_updates


def loss_of(case: Case, model: nn.Module, batch: Batch) -> torch.Tensor:
    """Return the loss of `batch`, a tensor without dimensions (with or without a graph).

    Raises UsageError when what the user's code returns is not a loss; errors inside the user's
    code pass unchanged.
    """
    with mixed_precision(case, model):
        if case.step is not None:
            steppers = [*case.optimizers, case.scheduler]
            return as_loss(without_updates(case.step, model, batch.for_step(), steppers), "step")
        if case.loss_fn is None:
            return as_loss(_call_with_labels(model, batch), "model")
        return as_loss(apply_loss(case, call_model(model, batch.inputs), batch), "loss_fn")


def apply_loss(case: Case, output: Any, batch: Batch) -> Any:
    """Return what the user's `loss_fn` gives for a model output and the batch's targets."""
    assert case.loss_fn is not None
    if _is_from_torch(case.loss_fn):
        output = _logits(output)
    targets = batch.raw if batch.targets is None else batch.targets
    return case.loss_fn(output, targets)


def mixed_precision(case: Case, model: nn.Module) -> AbstractContextManager[Any]:
    """Return autocast when the case trains with an enabled GradScaler, else nothing."""
    if case.step is not None or case.scaler is None or not _scales(case.scaler):
        return nullcontext()
    device = next(model.parameters()).device.type
    return torch.autocast(device, dtype=torch.float16)


def _scales(scaler: Any) -> bool:
    return bool(getattr(scaler, "is_enabled", lambda: False)())


def _call_with_labels(model: nn.Module, batch: Batch) -> Any:
    fresh = batch.fresh()
    if isinstance(fresh.inputs, dict):
        return model(**fresh.inputs, labels=fresh.targets)
    return model(fresh.inputs, labels=fresh.targets)


def _is_from_torch(loss_fn: object) -> bool:
    kind = loss_fn if hasattr(loss_fn, "__name__") else type(loss_fn)
    return str(getattr(kind, "__module__", "") or "").split(".")[0] == "torch"


def _logits(output: Any) -> Any:
    """Return the tensor that a loss of torch's own can take (Hugging Face outputs)."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    return getattr(output, "logits", output)


def as_loss(result: Any, source: str) -> torch.Tensor:
    """Return the scalar loss in what `source` ("step", "loss_fn", "model") returned.

    A tensor, an object or dict with `loss`, or a tuple that starts with the loss will do.
    Raises UsageError for anything else.
    """
    loss = _find_loss(result)
    if not isinstance(loss, torch.Tensor):
        _refuse_kind(loss, source)
    if loss.numel() != 1:
        shape = tuple(loss.shape)
        raise UsageError(
            en=f"`{source}` returned a tensor of shape {shape}, and a loss is a single number:"
            " take its mean() (or use reduction='mean').",
            zh=f"`{source}` 返回了形状为 {shape} 的张量，而损失应是单个数："
            "请取 mean()（或使用 reduction='mean'）。",
        )
    return loss if loss.dim() == 0 else loss.reshape(())


def _find_loss(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return result
    if isinstance(result, Mapping):
        return result.get("loss")
    if isinstance(result, tuple) and result and isinstance(result[0], torch.Tensor):
        return result[0]
    return getattr(result, "loss", result)


def _refuse_kind(loss: Any, source: str) -> NoReturn:
    kind = type(loss).__name__
    advice_en = "return the loss tensor, the one that backward() is called on"
    advice_zh = "请返回损失张量，即调用 backward() 的那个"
    if isinstance(loss, float | int):
        advice_en += " (not loss.item())"
        advice_zh += "（不要用 loss.item()）"
    raise UsageError(
        en=f"`{source}` returned a {kind} instead of a loss: {advice_en}.",
        zh=f"`{source}` 返回的是 {kind} 而不是损失：{advice_zh}。",
    )
