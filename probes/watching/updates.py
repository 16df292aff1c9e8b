"""Optimizer steps as they happen: gradients, update sizes, rates, clipping, what is left over."""

from __future__ import annotations

import math
import sys
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim import Optimizer

from probes.watching.now import Now
from probes.watching.readings import capturing, is_sharded, local, norms

_PROBED: Final = 3  # parameters whose gradients tell whether they were zeroed
_COPIED: Final = 24  # parameters whose update is measured
_MOST_COPIED: Final = 2_000_000  # values of each step's copies
_KEPT: Final = 64  # measurements per parameter


@dataclass(slots=True)
class Weight:
    """What was seen of one parameter of an optimizer, close steps only."""

    tensor: weakref.ref[Tensor]
    values: int
    dimensions: int
    gradient: list[float] = field(default_factory=list)  # norms; NaN where not finite
    weight: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    squares: list[tuple[int, float, float]] = field(default_factory=list)  # step, change, size
    looked: int = 0
    missing: int = 0  # times without a gradient
    zero: int = 0
    stayed: int = 0  # times that a gradient left it unchanged
    nonfinite_step: int | None = None


@dataclass(slots=True)
class Stepped:
    """What was seen of one optimizer."""

    optimizer: weakref.ref[Optimizer]
    kind: str
    steps: int = 0
    closure: bool = False
    rate: float = math.nan  # the latest
    level: int = 0
    rates: Counter[int] = field(default_factory=Counter)  # steps by ten times the log of the rate
    rated: int = 0  # steps that are in it
    weights: dict[int, Weight] = field(default_factory=dict)
    judged: int = 0  # close steps at which it is known whether old gradients were in it
    carried: int = 0
    entries: list[Tensor] = field(default_factory=list)  # norms of the gradients before backward
    emptied: bool = False
    fresh: int = 0  # close steps that began with empty gradients
    passes: int = 0  # backward passes since the last step, and how many since the last emptying
    kept: int = 0
    per_update: list[tuple[int, int]] = field(default_factory=list)  # both, at close steps
    running: int | None = None  # id of the frame of the step that is running
    nested: int = 0
    nests: bool = False  # its step calls the step of the class above, which torch's hooks see twice


class Updates:
    """Every optimizer's steps. `before` and `after` are torch's global step hooks."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.seen: dict[int, Stepped] = {}
        self.built = 0
        self.norms: list[float] = []  # at clippings
        self.bounds: list[float] = []
        self.clippings = 0
        self.clippings_scaled = 0  # of gradients that still held a GradScaler's factor
        self.is_scaled = False  # what went backward last was multiplied by one
        self.attempts = 0  # of a GradScaler
        self.skipped = 0
        self._copies: dict[int, list[tuple[Weight, Tensor, Tensor]]] = {}

    def begins(self, optimizer: Optimizer) -> bool:
        """Return whether a new optimizer holds nothing that others have stepped so far."""
        held = set(map(id, _parameters(optimizer)))
        weights = [weight for seen in self.seen.values() for weight in seen.weights.values()]
        stepped = (weight.tensor() for weight in weights)
        return bool(held) and not any(id(one) in held for one in stepped if one is not None)

    def nap(self, optimizer: Optimizer) -> bool:
        """Count a step, if that needs no look at the optimizer."""
        seen = self.seen.get(id(optimizer))
        if seen is None or seen.nests or seen.closure:
            return False
        seen.steps += 1
        return True

    def before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Look at what an optimizer is about to step with."""
        seen = self._entered(optimizer)
        if seen is None:
            return
        seen.steps += 1
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        seen.closure |= closure is not None
        if self.now.asleep:
            return
        self._rate(seen, optimizer)
        self.now.lines.note("step")
        if self.now.close and not capturing(_first(optimizer)):
            if not seen.closure:
                self._judge_carried(seen)
                self._gradients(seen, optimizer)
            self._copy(seen, optimizer)
        self._count_passes(seen)

    def after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> bool:
        """Look at what a step has changed; returns whether this was a step of its own."""
        seen = self.seen.get(id(optimizer))
        if seen is None or seen.running is None:
            return False
        if seen.nested:
            seen.nested -= 1
            return False
        seen.running = None
        if self.now.close and not capturing(_first(optimizer)):
            if seen.closure:
                self._judge_carried(seen)
                self._gradients(seen, optimizer)
            self._measure(seen)
        seen.entries, seen.emptied = [], False
        return True

    def before_backward(self) -> None:
        """Look at what is left in the gradients of every optimizer that has stepped before."""
        if not self.now.close:
            return
        for seen in self.seen.values():
            optimizer = seen.optimizer()
            if optimizer is None or not seen.steps:
                continue
            if seen.running is not None and not seen.closure:
                continue
            left = [p.grad for p in _some(optimizer) if p.grad is not None]
            seen.passes += 1
            seen.kept = seen.kept + 1 if left else 1
            if seen.emptied:
                continue
            if not left:
                seen.emptied = True
            elif not capturing(left[0]):
                with torch.no_grad():
                    parts = norms(left)
                    home = parts[0].device
                    total = torch.stack([part.to(home, torch.float32) for part in parts]).sum()
                seen.entries.append(total)

    def clipped(self, total: Any, bound: Any) -> None:
        """Note one clipping: the norm before it, and the bound."""
        self.clippings += 1
        self.clippings_scaled += self.is_scaled
        if self.now.asleep:
            return
        if self.now.close:
            self.now.lines.note("clipping")
        if (
            isinstance(total, Tensor)
            and not is_sharded(total)
            and len(self.norms) < 4096
            and not capturing(total)
        ):
            if not self.now.close and total.device.type != "cpu":
                return

            def take(values: list[float], limit: float = float(bound)) -> None:
                self.norms.append(values[0])
                self.bounds.append(limit)

            self.now.readings.read([total], take)

    def _entered(self, optimizer: Optimizer) -> Stepped | None:
        """Return its record; None inside a step of the same optimizer (super().step)."""
        seen = self.seen.get(id(optimizer))
        if seen is None or seen.optimizer() is not optimizer:
            kind = type(optimizer).__name__
            seen = self.seen[id(optimizer)] = Stepped(weakref.ref(optimizer), kind)
        if seen.running is not None and _is_on_stack(seen.running):
            seen.nested += 1
            seen.nests = True
            return None
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_name != "wrapper":
            frame = frame.f_back
        seen.running, seen.nested = id(frame), 0
        return seen

    def _rate(self, seen: Stepped, optimizer: Optimizer) -> None:
        rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
        plain = [rate for rate in rates if isinstance(rate, int | float)]
        if plain:
            rate = float(max(plain))
            if rate != seen.rate:
                seen.level = round(10 * math.log10(rate)) if rate > 0 else -10_000
                seen.rate = rate
            seen.rates[seen.level] += seen.steps - seen.rated
            seen.rated = seen.steps

    def _count_passes(self, seen: Stepped) -> None:
        if seen.passes and not seen.closure:
            seen.per_update.append((seen.passes, seen.kept))
            del seen.per_update[:-_KEPT]
        seen.passes = seen.kept = 0

    def _judge_carried(self, seen: Stepped) -> None:
        if seen.steps < 2 or not (seen.entries or seen.emptied):
            return
        if seen.emptied:
            seen.judged += 1
            seen.fresh += 1
            return

        def take(values: list[float]) -> None:
            carried = all(value != 0 for value in values)
            seen.judged += 1
            seen.carried += carried
            seen.fresh += not carried

        self.now.readings.read(seen.entries, take)

    def _gradients(self, seen: Stepped, optimizer: Optimizer) -> None:
        held = [p for p in _parameters(optimizer) if p.requires_grad and local(p.detach()).numel()]
        weights = [self._weight(seen, parameter) for parameter in held]
        there = [(w, p, p.grad) for w, p in zip(weights, held, strict=True) if p.grad is not None]
        for weight, parameter in zip(weights, held, strict=True):
            weight.looked += 1
            weight.missing += parameter.grad is None
        if not there:
            return
        with torch.no_grad():
            values = norms([g for _, _, g in there])
            scale = getattr(optimizer, "grad_scale", None)  # fused: still multiplied by it
            if isinstance(scale, Tensor):
                values = [value / scale.to(value.device) for value in values]
            values += norms([p for _, p, _ in there])
        step, count = self.now.step, len(there)

        def take(read: list[float]) -> None:
            for (weight, _, _), gradient, size in zip(there, read, read[count:], strict=False):
                _keep(weight.gradient, gradient)
                _keep(weight.weight, size)
                weight.zero += gradient == 0
                if not math.isfinite(gradient) and weight.nonfinite_step is None:
                    weight.nonfinite_step = step

        there = [(w, p, p) for w, p, _ in there]
        self.now.readings.read(values, take)

    def _copy(self, seen: Stepped, optimizer: Optimizer) -> None:
        held = [p for p in _parameters(optimizer) if seen.closure or p.grad is not None]
        kernels = [p for p in held if p.dim() > 1] or held
        stride = max(1, len(kernels) // _COPIED)
        chosen, room = [], _MOST_COPIED
        for parameter in kernels[::stride]:
            if parameter.layout == torch.strided and parameter.numel() <= room:
                room -= parameter.numel()
                chosen.append(parameter)
        with torch.no_grad():
            self._copies[id(optimizer)] = [
                (self._weight(seen, p), part, part.clone())
                for p in chosen
                if (part := local(p.detach())).numel()
            ]

    def _measure(self, seen: Stepped) -> None:
        optimizer = seen.optimizer()
        copies = self._copies.pop(id(optimizer), [])
        if not copies:
            return
        with torch.no_grad():
            changes = torch._foreach_sub([new for _, new, _ in copies], [old for *_, old in copies])
            values = [*norms(changes), *norms([old for *_, old in copies])]
        weights, step = [weight for weight, _, _ in copies], self.now.step
        held = [weight.tensor() for weight in weights]
        is_local = any(tensor is not None and is_sharded(tensor) for tensor in held)

        def take(read: list[float]) -> None:
            for weight, change, size in zip(weights, read, read[len(weights) :], strict=False):
                if size > 0:
                    _keep(weight.ratios, change / size)
                if is_local and len(weight.squares) < _KEPT:
                    weight.squares.append((step, change**2, size**2))
                weight.stayed += change == 0

        self.now.readings.read(values, take)

    def _weight(self, seen: Stepped, parameter: Tensor) -> Weight:
        found = seen.weights.get(id(parameter))
        if found is None or found.tensor() is not parameter:
            found = Weight(weakref.ref(parameter), parameter.numel(), parameter.dim())
            seen.weights[id(parameter)] = found
        return found


def _keep(values: list[float], value: float) -> None:
    if len(values) >= _KEPT:
        del values[1::2]
    values.append(value)


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _first(optimizer: Optimizer) -> Tensor:
    return next(iter(_parameters(optimizer)), torch.empty(0))


def _some(optimizer: Optimizer) -> Sequence[Tensor]:
    """Return a few parameters that have gradients: the smallest kernels, else the smallest."""
    held = [p for p in _parameters(optimizer) if p.grad is not None]
    return sorted(held, key=lambda p: (p.dim() < 2, p.numel()))[:_PROBED]


def _is_on_stack(frame_id: int) -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if id(frame) == frame_id:
            return True
        frame = frame.f_back
    return False
