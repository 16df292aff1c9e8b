"""Torch functions called by the user's code, replaced while the model or the loss runs.

A TorchFunctionMode sees `nn.ReLU()`, `F.relu(x)` and `x.relu()` alike, so a treatment made with it
fits module and functional style. It is put around the model's `forward` and the user's loss.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from probes.case.case import Case
from probes.recording import ops
from probes.recording.operation import Call
from probes.running.examination import Examination
from probes.trials.trial import Unsuitable, changed

Rewrite = Callable[[Call], Any]  # what the call gives; `AS_IT_IS` lets it run unchanged
AS_IT_IS: Final = object()


class Rewriting(TorchFunctionMode):
    """While active, calls give what `rewrite` makes of them."""

    def __init__(self, rewrite: Rewrite) -> None:
        super().__init__()
        self.rewrite = rewrite

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Ask `rewrite` first, else run the function."""
        kwargs = kwargs or {}
        result = self.rewrite(Call(ops.canonical(func, args, kwargs), func, args, kwargs))
        return func(*args, **kwargs) if result is AS_IT_IS else result


class _Under:
    """A function of the user's, run with a fresh rewriting around each call."""

    def __init__(self, function: Callable[..., Any], make: Callable[[], Rewrite]) -> None:
        functools.update_wrapper(self, function, updated=())
        kind = function if hasattr(function, "__name__") else type(function)
        self.__module__ = getattr(kind, "__module__", None) or __name__
        self.__name__ = getattr(kind, "__name__", "function")
        self._function, self._make = function, make

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with Rewriting(self._make()):
            return self._function(*args, **kwargs)


def in_model(exam: Examination, make: Callable[[], Rewrite]) -> None:
    """Rewrite what the model's forward calls; `make` gives a fresh rewriting for each forward."""
    model: Any = exam.model
    try:
        model.forward = _Under(model.forward, make)
    except Exception:
        raise Unsuitable(
            en="the model is compiled: its functions cannot be exchanged",
            zh="模型是编译过的，无法替换其中的函数",
        ) from None


def in_loss(exam: Examination, rewrite: Rewrite) -> Case:
    """Return the case with what its loss (or step, or model that makes its own loss) calls changed.

    Where `step` computes the loss, the model runs inside it and is changed as well.
    """
    case = exam.case
    if case.step is not None:
        return changed(case, step=_Under(case.step, lambda: rewrite))
    if case.loss_fn is not None:
        return changed(case, loss_fn=_Under(case.loss_fn, lambda: rewrite))
    in_model(exam, lambda: rewrite)
    return case


def everywhere(exam: Examination, rewrite: Rewrite) -> Case:
    """Return the case with what its model and its loss call changed."""
    if exam.case.step is None and exam.case.loss_fn is not None:
        in_model(exam, lambda: rewrite)
    return in_loss(exam, rewrite)


def given(call: Call) -> Tensor | None:
    """Return the call's main input."""
    value = ops.argument(call.args, call.kwargs, 0, "input")
    return value if isinstance(value, Tensor) else None


def wrapped(
    function: Callable[..., Any], prepare: Callable[[ExitStack], None]
) -> Callable[..., Any]:
    """Return a function of the user's that runs with something prepared around each call."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with ExitStack() as stack:
            prepare(stack)
            return function(*args, **kwargs)

    return run


class Origins:
    """Remembers what activations were made from, through reshapings: to go back before them."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self._before: Any = WeakTensorKeyDictionary()

    def before(self, tensor: Tensor) -> Tensor | None:
        """Return what an activation's output was computed from, None for other tensors."""
        found: Tensor | None = self._before.get(tensor)
        return found

    def keep(self, tensor: Tensor, source: Tensor) -> None:
        """Remember what a tensor was made from."""
        self._before[tensor] = source

    def note(self, call: Call) -> Any:
        """Run the call if it is an activation or moves the output of one, and remember it."""
        start = given(call)
        if start is None:
            return AS_IT_IS
        if call.name in self.names:
            return self._remember(call, start)
        known = self.before(start)
        if known is None or call.name not in ops.RESHAPING or not call.args:
            return AS_IT_IS
        result = call.func(*call.args, **call.kwargs)
        if isinstance(result, Tensor):
            self._before[result] = call.func(known, *call.args[1:], **call.kwargs)
        return result

    def _remember(self, call: Call, start: Tensor) -> Any:
        in_place = getattr(call.func, "__name__", "").endswith("_")
        source = start.clone() if in_place else start
        result = call.func(*call.args, **call.kwargs)
        if isinstance(result, Tensor):
            self._before[result] = source
        return result


def with_arguments(call: Call, **changes: Any) -> Any:
    """Run a torch.nn.functional call with some arguments exchanged, by name."""
    names = ("input", "target", "weight")
    arguments = dict(zip(names, call.args, strict=False)) | dict(call.kwargs) | changes
    extra = call.args[len(names) :]
    if extra:
        raise Unsuitable(
            en=f"`{call.name}` is called with many positional arguments",
            zh=f"`{call.name}` 的位置参数过多",
        )
    return call.func(**arguments)


def options(call: Call, *names: str) -> dict[str, Any]:
    """Return the call's keyword arguments of these names."""
    return {name: call.kwargs[name] for name in names if name in call.kwargs}


def probable(tensor: Tensor) -> bool:
    """Return whether all values lie between 0 and 1."""
    low, high = torch.aminmax(tensor.detach())
    return bool(low >= 0) and bool(high <= 1)
