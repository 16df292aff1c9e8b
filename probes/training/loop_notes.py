"""What a training loop was seen to do with its gradients, call by call and update by update."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Update:
    """One step of one optimizer.

    `calls`: calls of the loop since its last step. `backwards`: times that gradients came in since
    then; `kept`: how many of them are in the gradient that is used. `stale`: gradients of before
    its last step are in it too. `norm`: of the gradient used; `made`: before clipping (in the same
    units); `fresh`: of what the last backward alone gave.
    """

    optimizer: int
    calls: int
    backwards: int
    kept: int
    stale: bool
    norm: float
    made: float
    fresh: float


@dataclass(slots=True)
class _Held:
    """What is known of one optimizer's gradients between its steps."""

    parameters: list[Tensor]
    calls: int = 0
    backwards: int = 0
    kept: int = 0
    carried: bool = False
    seen: bool = False  # it has stepped before
    fresh: float = 0.0
    made: float = 0.0
    before: list[Tensor | None] = field(default_factory=list)
    backup: list[Tensor | None] = field(default_factory=list)


@dataclass(slots=True)
class Watch:
    """What a loop did while it was watched.

    `bounds`: of each clipping by torch's own functions. `clips_scaled`: gradients were clipped
    while they still held a GradScaler's factor. `divided`: by how much the loss was divided last
    before `backward`. `changed`: weights moved, whoever moved them. `attempts`: times that a
    GradScaler was asked for a step.
    """

    updates: list[Update] = field(default_factory=list)
    backwards: int = 0
    calls: int = 0
    zeroed: int = 0
    changed: bool = False
    bounds: list[float] = field(default_factory=list)
    clip_kinds: set[str] = field(default_factory=set)
    clips_scaled: bool = False
    attempts: int = 0
    skipped: int = 0
    scale: float = 1.0
    divided: float = 1.0
    losses: list[Tensor] = field(default_factory=list)
    _held: dict[int, _Held] = field(default_factory=dict)
    unscaled: bool = False

    def begin_call(self) -> None:
        """Note that the loop is called (once more)."""
        self.calls += 1
        self.unscaled = False
        for held in self._held.values():
            held.calls += 1

    def hold(self, optimizer: torch.optim.Optimizer) -> None:
        """Watch the gradients of an optimizer."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._held.setdefault(id(optimizer), _Held(parameters))

    def before_backward(self, tensors: Sequence[Tensor]) -> None:
        """Note what is in the gradients before more comes in."""
        self.backwards += 1
        self.divided = divisor(tensors[0]) if tensors else 1.0
        self.losses.extend(tensor.detach() / self.scale for tensor in tensors[:1])
        for held in self._held.values():
            held.before = copies(held.parameters)
            if _empty(held.before):
                self.zeroed += held.backwards > 0 or held.seen
                held.kept, held.carried = 0, False

    def after_backward(self) -> None:
        """Note what came in."""
        for held in self._held.values():
            held.backup = copies(held.parameters)
            came = _norm(_difference(held.backup, held.before))
            if came > 0 or not math.isfinite(came):
                held.backwards += 1
                held.kept += 1
                held.fresh, held.made = came, _norm(held.backup)

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Note with which gradients an optimizer steps."""
        self.hold(optimizer)
        held = self._held[id(optimizer)]
        scale = self.scale
        self.updates.append(
            Update(
                optimizer=id(optimizer),
                calls=held.calls,
                backwards=held.backwards,
                kept=held.kept,
                stale=held.carried and held.seen,
                norm=_norm([p.grad for p in held.parameters]),
                made=held.made / scale,
                fresh=held.fresh / scale,
            )
        )

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Begin anew: what is left in the gradients now is carried over."""
        held = self._held[id(optimizer)]
        held.calls = held.backwards = held.kept = 0
        held.carried = held.seen = True

    def clipped(self, kind: str, bound: float) -> None:
        """Note a clipping by one of torch's functions."""
        self.clip_kinds.add(kind)
        self.bounds.append(bound)
        self.clips_scaled |= self.scale > 1 and not self.unscaled

    def backup_of(self, optimizer: torch.optim.Optimizer) -> list[tuple[Tensor, Tensor]]:
        """Return the optimizer's gradients with what they were after the last backward."""
        held = self._held[id(optimizer)]
        pairs = zip(held.parameters, held.backup, strict=False)
        return [(p.grad, old) for p, old in pairs if p.grad is not None and old is not None]


def divisor(loss: Tensor) -> float:
    """Return by what number the last operations of a loss divided it: 1.0 when by none.

    A factor of a GradScaler (2 to a whole power, above 1) is passed over.
    """
    node = loss.grad_fn
    for _ in range(3):
        name = "" if node is None else type(node).__name__
        other = getattr(node, "_saved_other", None)
        value = _number(other)
        if node is None or not (name.startswith("DivBackward") or name.startswith("MulBackward")):
            return 1.0
        if value is not None and value > 0:
            by = value if name.startswith("Div") else 1.0 / value
            if by > 1:
                return by
        node = node.next_functions[0][0] if node.next_functions else None
    return 1.0


def _number(value: Any) -> float | None:
    if isinstance(value, Tensor):
        return float(value) if value.numel() == 1 else None
    return float(value) if isinstance(value, int | float) else None


def copies(parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Return copies of the parameters' gradients."""
    return [None if p.grad is None else p.grad.detach().clone() for p in parameters]


def _difference(after: Sequence[Tensor | None], before: Sequence[Tensor | None]) -> list[Tensor]:
    pairs = zip(after, before, strict=True)
    return [new if old is None else new - old for new, old in pairs if new is not None]


def _empty(gradients: Sequence[Tensor | None]) -> bool:
    return _norm(gradients) == 0


def _norm(gradients: Sequence[Tensor | None]) -> float:
    """Return the norm of all of them together."""
    known = [g.detach() for g in gradients if g is not None]
    if not known:
        return 0.0
    home = known[0].device
    norms = [torch.linalg.vector_norm(g.float()).to(home) for g in known]
    return float(torch.linalg.vector_norm(torch.stack(norms)))
