"""The user's own training loop, watched from outside.

A `step` may go backward, clip, scale and update by itself. `watched` notes what it does to the
gradients. (`Examination.loss_of` returns its loss as if it did none of that.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor
from torch.nn.utils import clip_grad
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from probes.case.batches import Batch
from probes.case.own_step import replace
from probes.training.loop_notes import Watch

if TYPE_CHECKING:
    from probes.running.examination import Examination

_CLIPPING: Final = ("clip_grad_norm_", "clip_grad_value_")


@contextmanager
def watched(
    optimizers: Sequence[torch.optim.Optimizer],
    watch: Watch | None = None,
    *,
    unclipped: bool = False,
    fresh: bool = False,
) -> Iterator[Watch]:
    """Watch everything that happens to gradients inside; call `begin_call` before each call.

    `unclipped`: optimizers step with the gradients that `backward` left. `fresh`: gradients of
    before an optimizer's last step are taken away. (Both for loops without a GradScaler.)
    """
    watch = Watch() if watch is None else watch
    for optimizer in optimizers:
        watch.hold(optimizer)
    with ExitStack() as stack:
        _watch_backward(stack, watch)
        _watch_clipping(stack, watch)
        _watch_scaler(stack, watch)

        def before(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
            watch.before_step(optimizer)
            if unclipped and watch.scale == 1:
                with torch.no_grad():
                    for gradient, old in watch.backup_of(optimizer):
                        gradient.copy_(old)

        def after(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
            watch.after_step(optimizer)
            if fresh:
                for group in optimizer.param_groups:
                    for parameter in group["params"]:
                        parameter.grad = None

        for register, hook in (
            (register_optimizer_step_pre_hook, before),
            (register_optimizer_step_post_hook, after),
        ):
            stack.callback(register(hook).remove)
        yield watch


def _watch_backward(stack: ExitStack, watch: Watch) -> None:
    backward = torch.autograd.backward

    def noted(tensors: Any, *args: Any, **kwargs: Any) -> None:
        given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        watch.before_backward(given)
        backward(tensors, *args, **kwargs)
        watch.after_backward()

    replace(stack, torch.autograd, "backward", noted)


def _watch_clipping(stack: ExitStack, watch: Watch) -> None:
    def noting(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def clip(parameters: Any, bound: float, *args: Any, **kwargs: Any) -> Any:
            watch.clipped(kind, float(bound))
            return function(parameters, bound, *args, **kwargs)

        return clip

    inner = getattr(clip_grad, "_clip_grads_with_norm_", None)  # also seen by `from ... import`
    if inner is not None:
        replace(stack, clip_grad, "_clip_grads_with_norm_", noting("norm", inner))
    for name in _CLIPPING if inner is None else _CLIPPING[1:]:
        kind = "norm" if "norm" in name else "value"
        for module in (torch.nn.utils, clip_grad):
            replace(stack, module, name, noting(kind, getattr(module, name)))


def _watch_scaler(stack: ExitStack, watch: Watch) -> None:
    kind = torch.amp.GradScaler
    scale, unscale, step = kind.scale, kind.unscale_, kind.step

    def noted_scale(scaler: Any, outputs: Any) -> Any:
        if scaler.is_enabled():
            scaled = scale(scaler, outputs)
            watch.scale = float(scaler.get_scale())
            return scaled
        return scale(scaler, outputs)

    def noted_unscale(scaler: Any, optimizer: Any) -> Any:
        watch.unscaled = True
        return unscale(scaler, optimizer)

    def noted_step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if not scaler.is_enabled():
            return step(scaler, optimizer, *args, **kwargs)
        watch.attempts += 1
        updates = len(watch.updates)
        result = step(scaler, optimizer, *args, **kwargs)
        watch.skipped += len(watch.updates) == updates
        return result

    for name, function in (("scale", noted_scale), ("unscale_", noted_unscale)):
        replace(stack, kind, name, function)
    replace(stack, kind, "step", noted_step)


def own_loss(exam: Examination, batch: Batch, *, autocast: bool = True) -> Tensor:
    """Return the loss of `batch`, with its graph; nothing is updated.

    `autocast`: False computes everything in the full precision of the weights.
    """
    with ExitStack() as stack:
        if not autocast:
            replace(stack, torch.autocast, "__enter__", lambda self: self)
            replace(stack, torch.autocast, "__exit__", lambda self, *args: None)
        return exam.loss_of(batch)
