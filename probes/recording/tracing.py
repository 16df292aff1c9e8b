"""Watching a model run: every torch function it calls, in order, and where its values flow.

A TorchFunctionMode sees modules, functions and operators alike; PyTorch's global module hooks say
which module is running. Neither leaves anything on the user's objects. What goes wrong in here
never reaches the user's code: it is counted in `failures`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from probes.case.batches import tensors_in
from probes.quantities.hidden import hidden_modules, hidden_parameters
from probes.recording import ops
from probes.recording.blocking import blocking, clipped_share
from probes.recording.graph import RANGES, LastOp
from probes.recording.kernels import Held, Weights, weights_of
from probes.recording.measured import Measured
from probes.recording.operation import Call, Export, Op, units_axis

UNKNOWN: Final = -1  # made by something that torch functions do not show (autograd.Function)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a tensor: the operation that made it (None: no operation did)."""

    made_by: int | None
    learned: bool
    data: bool
    names: tuple[str, ...] = ()  # of the parameters, while it depends on nothing else


Listener = Callable[[Call, "Tracer"], None]
Measure = Callable[[str, Tensor, int | None, tuple[float | None, float | None]], Measured | None]


class Tracer(TorchFunctionMode):
    """Observe torch functions while active; the operations are in `ops` afterwards.

    `measure`: what is kept of the outputs of layers and activations (see `measured`), if anything;
    with `measure_all` of every operation inside the model that changes values.
    """

    def __init__(
        self,
        model: nn.Module,
        listener: Listener | None = None,
        *,
        measure: Measure | None = None,
        measure_all: bool = False,
    ) -> None:
        super().__init__()
        self._measure = measure
        self._measure_all = measure_all
        self.ops: list[Op] = []
        self.failures: Counter[str] = Counter()
        self.model = model
        self.output: Any = None  # of the model's last call
        self.evaluating: set[str] = set()  # modules that ran in evaluation mode
        self.exports: list[Export] = []
        self._listener = listener
        self._sources: Any = WeakTensorKeyDictionary()
        self._parameters = {id(value): name for name, value in _all_parameters(model)}
        self._constants = {id(value) for value in model.buffers()}
        self._paths = {id(module): path for path, module in _all_modules(model)}
        self._stack: list[tuple[nn.Module, str | None]] = []
        self._calls: Counter[str] = Counter()

    # --- which module runs ----------------------------------------------------------------------

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what runs inside the `with` block, on this thread."""
        with ExitStack() as stack:
            enter = register_module_forward_pre_hook(self._enter)
            stack.callback(enter.remove)
            leave = register_module_forward_hook(self._leave)
            stack.callback(leave.remove)
            stack.enter_context(_eagerly())
            stack.enter_context(self)
            yield

    def _enter(self, module: nn.Module, _: Any) -> None:
        if not module.training and id(module) in self._paths:
            self.evaluating.add(self._paths[id(module)])
        self._stack.append((module, self._paths.get(id(module))))

    def _leave(self, module: nn.Module, _: Any, output: Any) -> None:
        while self._stack and self._stack.pop()[0] is not module:
            pass  # modules left by an exception that the user's code caught
        if module is self.model:
            self.output = output

    @property
    def inside(self) -> bool:
        """Return whether the model (or a part of it) is running."""
        return any(path is not None for _, path in self._stack)

    def _owner(self) -> tuple[str, bool]:
        """Return the path of the innermost running module, and whether it is torch's own leaf."""
        for module, path in reversed(self._stack):
            if path is not None:
                ours = type(module).__module__.startswith("torch.nn")
                return path, ours and not any(True for _ in module.children())
        return "", False

    # --- which functions run ----------------------------------------------------------------------

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the function as it would run, then take note of it."""
        kwargs = kwargs or {}
        try:
            result = func(*args, **kwargs)
        except Exception:
            self._note_refusal(func, args, kwargs)
            raise
        try:
            self._note(Call(ops.canonical(func, args, kwargs), func, args, kwargs), result)
        except Exception as error:  # never the user's problem
            self.failures[f"{getattr(func, '__name__', func)}: {error}"] += 1
        return result

    def _note_refusal(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Tell the listener of a call that raised: what a loss was given says why."""
        if self._listener is not None:
            with suppress(Exception):
                self._listener(Call(ops.canonical(func, args, kwargs), func, args, kwargs), self)

    def seen(self, tensor: Tensor) -> Seen:
        """Return what is known of a tensor."""
        if id(tensor) in self._parameters:
            return Seen(None, learned=True, data=False, names=(self._parameters[id(tensor)],))
        index = self._sources.get(tensor)
        if index is not None:
            op = self.ops[index]
            return Seen(index, op.learned, op.data, op.made_of)
        if isinstance(tensor, nn.Parameter):
            return Seen(None, learned=True, data=False)
        if tensor.grad_fn is not None:
            return Seen(UNKNOWN, learned=True, data=True)
        fixed = id(tensor) in self._constants or tensor.dim() == 0
        return Seen(None, learned=False, data=not fixed)

    def last_op(self, tensor: Tensor) -> LastOp:
        """Return the last value-changing operation before `tensor`, as far as it was seen."""
        index = self._sources.get(tensor)
        while index is not None and index >= 0:
            op = self.ops[index]
            if op.name not in ops.RESHAPING:
                known = op.name in RANGES or op.is_activation
                return LastOp(op.name, *RANGES.get(op.name, _NO_BOUNDS)) if known else LastOp()
            index = op.inputs[0] if op.inputs else None
        return LastOp()

    def _note(self, call: Call, result: Any) -> None:
        changed = call.args[0] if call.name == "setitem" else result
        outputs = list(tensors_in(changed))
        if not outputs:
            self._note_export(call)
        if not outputs or outputs[0].layout != torch.strided:
            return
        if self._listener is not None:
            self._listener(call, self)
        op = replace(self._op(call, outputs[0]), blocks=blocking(call, outputs))
        self.ops.append(op)
        for output in outputs:
            if id(output) not in self._parameters and id(output) not in self._constants:
                self._sources[output] = op.index

    def _note_export(self, call: Call) -> None:
        made_by = self.made_by(call.tensors[0]) if call.name in ops.EXPORTING else None
        if made_by is not None and self.ops[made_by].learned:
            self.exports.append(Export(made_by, self._where(call.name, None)))

    def made_by(self, tensor: Tensor) -> int | None:
        """Return the index of the operation that made a tensor, None where none was seen."""
        index: int | None = self._sources.get(tensor)
        return index

    def _op(self, call: Call, output: Tensor) -> Op:
        given = [(tensor, self.seen(tensor)) for tensor in call.tensors]
        learned = any(seen.learned for _, seen in given)
        data = any(seen.data for _, seen in given)
        weights = self._weights(call, given, output)
        name, several = _refined(call.name, given)
        inputs = tuple(s.made_by for _, s in given if s.data and s.made_by is not None)
        before = [self.ops[index] for index in inputs if index >= 0]
        feeder = (name, weights.width) if weights else _feeder(before)
        names = tuple(dict.fromkeys(n for _, seen in given for n in seen.names))
        bounds = ops.bounds(call.func, call.args, call.kwargs) if name == "hardtanh" else _NO_BOUNDS
        op = Op(
            index=len(self.ops),
            name=name,
            where=self._where(name, weights),
            inputs=inputs,
            inside=self.inside,
            learned=learned,
            data=data,
            linear=ops.passes_linearly(name, several=several),
            depth=max((op.depth for op in before), default=0) + (weights.layers if weights else 0),
            shape=tuple(output.shape),
            feeder=feeder,
            weights=weights,
            parameters=names,
            made_of=() if data else names,
            probability=_dropped(call),
            clipped=clipped_share(call, given[0][0]) if given and name == "clamp" else None,
        )
        if self._measure is not None and _worth_measuring(op, self._measure_all):
            return replace(op, measured=self._measure(name, output, units_axis(op), bounds))
        return op

    def _weights(
        self, call: Call, given: Sequence[tuple[Tensor, Seen]], output: Tensor
    ) -> Weights | None:
        if call.name not in ops.WEIGHTED or not any(seen.data for _, seen in given):
            return None
        held = [
            Held(tensor, seen.names, position)
            for position, (tensor, seen) in enumerate(given)
            if seen.learned and not seen.data
        ]
        if not any(entry.tensor.dim() >= 2 for entry in held):
            return None
        before = next(n for n, (_, seen) in enumerate(given) if seen.data)
        held = [replace(entry, position=int(entry.position > before)) for entry in held]
        owner = self._owner()[0] or call.name
        return weights_of(call.name, held, output, call.groups, owner)

    def _where(self, name: str, weights: Weights | None) -> str:
        path, leaf = self._owner()
        if weights is not None:
            place = weights.layer
        else:
            place = path if leaf else f"{path or 'model'}:{name}"
        key = f"{place} {name}"
        self._calls[key] += 1
        return place if self._calls[key] == 1 else f"{place}#{self._calls[key]}"


_NO_BOUNDS: Final = (None, None)


def _worth_measuring(op: Op, every: bool) -> bool:
    if not (op.inside and op.activation):
        return False
    return op.weights is not None or op.is_activation or (every and op.name not in ops.RESHAPING)


def _refined(name: str, given: Sequence[tuple[Tensor, Seen]]) -> tuple[str, bool]:
    """Return the name, and whether the operation combines several activations."""
    active = [seen.learned and seen.data for _, seen in given]
    if any(active) and name in ops.ADDING | ops.JOINING:
        return name, sum(seen.data for _, seen in given) > 1  # a residual of the raw input too
    if name == "div" and len(active) > 1 and active[1]:
        return "reciprocal" if not active[0] else "div", sum(active) > 1
    return name, sum(active) > 1


def _feeder(before: Sequence[Op]) -> tuple[str, int]:
    return next((op.feeder for op in before if op.feeder[1]), ("", 0))


def _dropped(call: Call) -> float:
    if call.name == "scaled_dot_product_attention":
        return float(ops.argument(call.args, call.kwargs, 4, "dropout_p", 0.0))
    if not call.name.endswith("dropout"):
        return 0.0
    if not ops.argument(call.args, call.kwargs, 2, "training", True):
        return 0.0
    return float(ops.argument(call.args, call.kwargs, 1, "p", 0.5))


def _all_parameters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from hidden_parameters(model).items()
    yield from model.named_parameters()


def _all_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for path, module in hidden_modules(model).items():
        yield from module.named_modules(prefix=path)
    yield from model.named_modules()


def _eagerly() -> AbstractContextManager[Any]:
    """Return a context in which torch.compile lets functions run as they are written."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled, and importing it takes seconds
        return nullcontext()
    stance = getattr(torch.compiler, "set_stance", None)
    return stance("force_eager") if stance is not None else nullcontext()
