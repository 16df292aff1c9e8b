"""Models as they run: which there are, in which mode, and where values first stop being finite.

Module hooks are there on close steps only: thousands of calls of an empty hook cost as much as
a small network's step.
"""

from __future__ import annotations

import math
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from probes.case.nested import tensors_in
from probes.modes import depends_on_mode
from probes.watching.now import Now, recomputing
from probes.watching.readings import capturing, norms

_MOST_LEAVES: Final = 512
_MOST_MODELS: Final = 32
_MOST_COPIED: Final = 1_000_000  # values of an input


@dataclass(slots=True)
class Model:
    """One model: a module that is called by no other module."""

    module: weakref.ref[nn.Module]
    kind: str
    names: dict[int, str]
    layers: dict[int, str]
    matters: bool  # whether the mode makes a difference
    place: str | None
    parameters: int
    places: dict[str, str] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)  # of the layers, as they are passed
    calls: int = 0  # with gradients, close steps
    modes: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    first_mode: bool | None = None
    alone: bool = False


class Forwards:
    """Module calls of close steps; `open` before and `close` after each."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.models: dict[int, Model] = {}
        self.nonfinite: tuple[str, int] | None = None  # first module, step
        self.rested = False  # the last call without gradients was in evaluation mode
        self._handles: list[Any] = []
        self._depth = 0
        self._thread = 0
        self._leaves: list[tuple[str, Tensor]] = []
        self._given: Tensor | None = None

    def take_given(self, size: int) -> Tensor | None:
        """Return a copy of what a model with parameters was given last, if of `size` samples."""
        given, self._given = self._given, None
        return given if given is not None and given.dim() and given.shape[0] == size else None

    def open(self) -> None:
        """Register the hooks, unless something is compiled: it would compile again."""
        self._depth = 0
        self._leaves = []
        if self._handles or self.now.compiled:
            return
        self._thread = 0  # the first that calls a module: others may load data or evaluate
        self._handles = [
            register_module_forward_pre_hook(self._before),
            register_module_forward_hook(self._after),
        ]

    def close(self) -> None:
        """Take the hooks away and read what they have seen."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._depth = 0
        self._read()

    def compiled(self, module: nn.Module) -> None:
        """Know a model that is handed to torch.compile, whose calls no hook sees."""
        if id(module) not in self.models and len(self.models) < _MOST_MODELS:
            self._known(module).calls = 1

    def note_modes(self) -> None:
        """Note in which mode each model is at a step of an optimizer."""
        for model in self.models.values():
            module = model.module()
            if module is not None and model.calls:
                if model.first_mode is None:
                    model.first_mode = module.training
                model.modes[module.training] += 1

    def _before(self, module: nn.Module, args: Any) -> None:
        if torch.compiler.is_compiling() or not self._is_followed():
            return
        self._depth += 1
        if self._depth == 1:
            self.now.guard.run("models", self._called, module, args)

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or not self._is_followed():
            return
        self._depth = max(self._depth - 1, 0)
        self.now.guard.run("layers", self._left, module, output)

    def _is_followed(self) -> bool:
        this = threading.get_ident()
        if not self._thread:
            self._thread = this
        return this == self._thread

    def _called(self, module: nn.Module, args: Any) -> None:
        if recomputing() or _is_loss(module):
            return
        model = self.models.get(id(module))
        if model is None or model.module() is not module:
            if not torch.is_grad_enabled() or len(self.models) >= _MOST_MODELS:
                return
            model = self._known(module)
        if torch.is_grad_enabled() and model.parameters:
            model.calls += 1
            tensor = next(tensors_in(args), None)
            if tensor is not None and 0 < tensor.numel() <= _MOST_COPIED and not capturing(tensor):
                self._given = tensor.detach().clone()

    def _known(self, module: nn.Module) -> Model:
        names = {id(p): name for name, p in module.named_parameters()}
        layers = {id(part): path for path, part in module.named_modules()}
        lines = self.now.lines
        places = {path: lines.of(part) for path, part in module.named_modules() if path}
        model = self.models[id(module)] = Model(
            module=weakref.ref(module),
            kind=type(module).__name__,
            names=names,
            layers=layers,
            matters=any(map(depends_on_mode, module.modules())),
            place=lines.of(module),
            parameters=sum(p.numel() for p in module.parameters() if p.requires_grad),
            places={path: place for path, place in places.items() if place is not None},
        )
        return model

    def _left(self, module: nn.Module, output: Any) -> None:
        if module._modules or recomputing() or self.nonfinite or _is_loss(module):
            return
        tensor = next(tensors_in(output), None)
        if tensor is None or not tensor.is_floating_point() or capturing(tensor):
            return
        model = next((m for m in self._live() if id(module) in m.layers), None)
        name = model.layers[id(module)] if model is not None else ""
        if model is not None and torch.is_grad_enabled():
            model.order.setdefault(name, len(model.order))
        if len(self._leaves) < _MOST_LEAVES:
            with torch.no_grad():
                self._leaves.append((name or type(module).__name__, norms([tensor])[0]))

    def _live(self) -> list[Model]:
        return list(self.models.values())

    def _read(self) -> None:
        names, step = [name for name, _ in self._leaves], self.now.step

        def take(values: list[float]) -> None:
            for name, value in zip(names, values, strict=True):
                if not math.isfinite(value) and self.nonfinite is None:
                    self.nonfinite = (name, step)

        self.now.readings.read([value for _, value in self._leaves], take)
        self._leaves = []


def _is_loss(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.loss._Loss)
