"""One training step, observed: what ran, what the loss was given, and every gradient.

The forward and the loss run once under a `Tracer`; the backward then fills gradients that are
taken away at once, so the user's `.grad` are as they were.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from expert.errors import TorchmedicError, UserCodeError
from expert.language import Text
from probes.case.batches import Batch, tensors_in
from probes.case.user_code import explain
from probes.quantities.fused import norms
from probes.recording.autocast import autocast_seen
from probes.recording.graph import NONE, LastOp, last_op, leaves, user_functions
from probes.recording.loss_call import Broadcast, LossCall, LossListener
from probes.recording.measured import measured
from probes.recording.operation import Export, Op
from probes.recording.tracing import Tracer

if TYPE_CHECKING:
    from probes.running.examination import Examination

_LOSS: Final = Text(en="The loss function", zh="损失函数")


@dataclass(frozen=True)
class Recording:
    """What one observed training step showed.

    `ops`: in call order. `output`: the model's main output tensor, detached (None when the model
    itself was never called); `output_last`: the last operation that changed its values; `made_by`:
    that operation's index. `loss`: detached. `gradients`: by name, of the parameters that want one;
    empty without a graph. `foreign_leaves`: leaf tensors that the loss depends on without being
    parameters of the model. `evaluating`: modules that ran in evaluation mode. `refusal`: what
    the loss function raised when it refused what it was given; `loss` is then NaN, without a graph.
    `loss_made_by`: index of the operation that made the loss. `exports`: values that left PyTorch.
    `functions`: the user's own autograd functions in the graph of the loss. `autocast`: the reduced
    type in which autocast computed, None without it.
    """

    ops: tuple[Op, ...]
    loss_calls: tuple[LossCall, ...]
    output: Tensor | None
    output_last: LastOp
    loss: Tensor
    loss_has_graph: bool
    gradients: dict[str, Tensor | None]
    broadcasts: tuple[Broadcast, ...]
    foreign_leaves: tuple[Tensor, ...]
    warnings: tuple[str, ...]
    evaluating: tuple[str, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    refusal: UserCodeError | None = None
    loss_made_by: int | None = None
    exports: tuple[Export, ...] = ()
    functions: tuple[type[torch.autograd.Function], ...] = ()
    autocast: torch.dtype | None = None

    @cached_property
    def gradient_norms(self) -> dict[str, float]:
        """The 2-norm of each gradient there is, by parameter."""
        present = {name: g for name, g in self.gradients.items() if g is not None}
        return dict(zip(present, norms(list(present.values())), strict=True))

    @cached_property
    def weighted(self) -> tuple[Op, ...]:
        """The operations with weights, inside the model, in forward order."""
        return tuple(op for op in self.ops if op.weights is not None and op.inside)

    @cached_property
    def layers(self) -> dict[str, Op]:
        """The first operation of each weight layer, in forward order."""
        found: dict[str, Op] = {}
        for op in self.weighted:
            if op.weights is not None:
                found.setdefault(op.weights.layer, op)
        return found

    @property
    def weight_layers(self) -> tuple[str, ...]:
        """Paths of the layers with a weight matrix or kernel, in forward order."""
        return tuple(self.layers)

    @property
    def loss_call(self) -> LossCall | None:
        """The first loss function that was given something learned, or None."""
        return next((call for call in self.loss_calls if call.learned), None)


def record(exam: Examination, batch: Batch) -> Recording:
    """Observe one forward, loss and backward of `batch` in the model's present mode.

    Errors of the user's code pass unchanged.
    """
    model = exam.model
    target = batch.target_tensor
    listener = LossListener(None if target is None else tuple(target.shape))
    tracer = Tracer(model, listener, measure=measured)
    kept = _set_aside(model)
    try:
        with warnings.catch_warnings(record=True) as caught, torch.enable_grad():
            warnings.simplefilter("always")
            with tracer.watching(), autocast_seen() as reduced:
                loss, refusal = _loss(exam, batch, listener, tracer)
        output = main_output(tracer.output)
        last = NONE if output is None else last_operation(output, tracer)
        foreign, functions = _foreign(loss, model), user_functions(loss)
        gradients = _gradients(model, loss)
    finally:
        _put_back(kept)
    return Recording(
        ops=tuple(tracer.ops),
        loss_calls=tuple(listener.calls),
        output=None if output is None else output.detach(),
        output_last=last,
        loss=loss.detach(),
        loss_has_graph=loss.requires_grad or any(g is not None for g in gradients.values()),
        gradients=gradients,
        broadcasts=tuple(listener.broadcasts),
        foreign_leaves=foreign,
        warnings=tuple(dict.fromkeys(str(entry.message) for entry in caught)),
        evaluating=tuple(sorted(tracer.evaluating)),
        failures=dict(tracer.failures),
        refusal=refusal,
        loss_made_by=tracer.made_by(loss),
        exports=tuple(tracer.exports),
        functions=functions,
        autocast=reduced[-1] if reduced else None,
    )


def _loss(
    exam: Examination, batch: Batch, listener: LossListener, tracer: Tracer
) -> tuple[Tensor, UserCodeError | None]:
    """Return the loss, or NaN and the reason when a loss function refused the model's output."""
    try:
        return exam.loss_of(batch), None
    except TorchmedicError:
        raise
    except Exception as error:
        if tracer.output is None or not any(call.learned for call in listener.calls):
            raise
        return torch.tensor(math.nan), explain(error, _LOSS)


def last_operation(tensor: Tensor, tracer: Tracer) -> LastOp:
    """Return the last value-changing operation before `tensor`, without a graph from the trace."""
    if tensor.grad_fn is not None:
        return last_op(tensor)
    return tracer.last_op(tensor)


def main_output(output: Any) -> Tensor | None:
    """Return the tensor that matters in what a model returned.

    Its `logits`, else the first floating-point tensor with dimensions, else the first floating one.
    """
    if isinstance(output, Mapping) and isinstance(output.get("logits"), Tensor):
        return output["logits"]  # type: ignore[no-any-return]
    if isinstance(getattr(output, "logits", None), Tensor):
        return output.logits  # type: ignore[no-any-return]
    found = list(tensors_in(output)) or list(tensors_in(getattr(output, "__dict__", None)))
    floating = [tensor for tensor in found if tensor.is_floating_point()]
    return next((tensor for tensor in floating if tensor.dim() > 0), next(iter(floating), None))


def _set_aside(model: nn.Module) -> list[tuple[nn.Parameter, Tensor | None]]:
    kept = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in kept:
        parameter.grad = None
    return kept


def _put_back(kept: list[tuple[nn.Parameter, Tensor | None]]) -> None:
    for parameter, gradient in kept:
        parameter.grad = gradient


def _gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor | None]:
    wanting = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    already = any(parameter.grad is not None for _, parameter in wanting)  # a step that does it all
    if not already and loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    elif not already:
        return {}
    return {name: parameter.grad for name, parameter in wanting}


def _foreign(loss: Tensor, model: nn.Module) -> tuple[Tensor, ...]:
    own = {id(parameter) for parameter in model.parameters()}
    return tuple(leaf for leaf in leaves(loss) if id(leaf) not in own)
