"""Probe of hand-written derivatives: the user's own autograd functions against finite differences.

Each function is caught at work on a real batch and checked alone, in float64, on what it was given:
central differences along random directions against its backward (a gradient check, CS231n).
Forwards that are flat (straight-through estimators) and forwards that change nothing (gradient
reversal) have another backward on purpose and are told apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import cut
from probes.probe import Probe
from probes.quantities.slopes import Slopes, verdict

if TYPE_CHECKING:
    from probes.running.examination import Examination

_SAMPLES: Final = 8
_DIRECTIONS: Final = 5
_STEPS: Final[dict[torch.dtype, tuple[float, ...]]] = {
    torch.float64: (1e-7, 1e-5, 1e-3),
    torch.float32: (1e-3, 1e-2),
}
_SEED: Final = 20
Function = type[torch.autograd.Function]


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `gradient_check.*`; nothing where no function of the user's own is used."""
    functions = exam.recording.functions
    yield exam.observe("gradient_check.functions", len(functions))
    if not functions:
        return
    errors: dict[str, float] = {}
    deliberate: list[str] = []
    for function, arguments in _caught(exam, functions).items():
        for place, error in _checked(function, arguments):
            if error is None:
                deliberate.append(place)
            else:
                errors[place] = error
    if errors:
        yield exam.observe("gradient_check.relative_error", tuple(errors.values()), tuple(errors))
    if deliberate:
        flags = (True,) * len(deliberate)
        yield exam.observe("gradient_check.straight_through", flags, tuple(deliberate))


def _caught(exam: Examination, functions: Sequence[Function]) -> dict[Function, list[Any]]:
    """Return what each function was first given in a forward of a few samples."""
    caught: dict[Function, list[Any]] = {}
    with exam.training(), ExitStack() as stack:
        exam.wake()
        exam.count_steps(1)
        for function in functions:
            stack.enter_context(_catching(function, caught))
        exam.loss_of(cut(exam.batch, _SAMPLES))
    return caught


@contextmanager
def _catching(function: Function, caught: dict[Function, list[Any]]) -> Iterator[None]:
    own = function.__dict__.get("forward")
    forward = function.forward
    inherited = torch.autograd.Function.setup_context
    given = 0 if function.setup_context is not inherited else 1  # after the context

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if function not in caught:
            caught[function] = [_copy(value) for value in args[given:]]
        return forward(*args, **kwargs)

    function.forward = staticmethod(wrapper)  # type: ignore[method-assign]
    try:
        yield
    finally:
        if own is None:
            del function.forward
        else:
            function.forward = own  # type: ignore[method-assign]


def _copy(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)


def _checked(function: Function, arguments: list[Any]) -> Iterator[tuple[str, float | None]]:
    """Yield each differentiable argument's place and error; None where it differs on purpose."""
    for position, value in enumerate(arguments):
        if not isinstance(value, Tensor) or not value.requires_grad:
            continue
        place = f"{function.__name__} (input {position + 1})"
        for dtype in _STEPS:
            try:
                slopes = _slopes(function, arguments, position, dtype)
            except Exception:  # it does not run in this precision
                continue
            if slopes:
                yield place, verdict(slopes)
            break


def _slopes(
    function: Function, arguments: list[Any], position: int, dtype: torch.dtype
) -> list[Slopes]:
    """Return slopes along random directions; [] where the function is random or hands values on."""
    given = [_cast(value, dtype) for value in arguments]
    generator = torch.Generator().manual_seed(_SEED)
    at = _beside_kinks(given[position], generator)
    first, second = _run(function, given, position, at), _run(function, given, position, at)
    if not _equal(first, second) or _hands_on(first, at):
        return []
    weights = [_noise(output, generator) for output in first]
    analytic = _analytic(function, given, position, at, weights)
    found = []
    for _ in range(_DIRECTIONS):
        direction = _noise(at, generator)
        scale = float(at.abs().mean()) or 1.0
        numeric = tuple(
            _difference(function, given, position, at, direction, weights, step * scale)
            for step in _STEPS[dtype]
        )
        slope = float((analytic * direction).sum())
        if all(map(math.isfinite, (*numeric, slope))):
            found.append(Slopes(slope, numeric))
    return found


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.detach().to(dtype)
    return value


def _beside_kinks(value: Tensor, generator: torch.Generator) -> Tensor:
    """Return the values moved by up to 1 % away from zero: off kinks, and still in their domain."""
    noise = torch.rand(value.shape, generator=generator, dtype=value.dtype).to(value.device)
    return value * (1 + 0.01 * noise)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)


def _run(function: Function, given: list[Any], position: int, at: Tensor) -> list[Tensor]:
    changed = [*given[:position], at, *given[position + 1 :]]
    fresh = [value.clone() if isinstance(value, Tensor) else value for value in changed]
    outputs = function.apply(*fresh)  # type: ignore[no-untyped-call]
    found = outputs if isinstance(outputs, tuple) else (outputs,)
    return [out for out in found if isinstance(out, Tensor) and out.is_floating_point()]


def _equal(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    return bool(first) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def _hands_on(outputs: Sequence[Tensor], given: Tensor) -> bool:
    """Return whether the forward changes nothing: such a function exists for its backward."""
    return any(out.shape == given.shape and torch.allclose(out, given) for out in outputs)


def _analytic(
    function: Function, given: list[Any], position: int, at: Tensor, weights: Sequence[Tensor]
) -> Tensor:
    leaf = at.clone().requires_grad_()
    with torch.enable_grad():
        outputs = _run(function, given, position, leaf)
        total = sum((out * w).sum() for out, w in zip(outputs, weights, strict=True))
        if not isinstance(total, Tensor) or not total.requires_grad:
            return torch.zeros_like(at)
        (gradient,) = torch.autograd.grad(total, leaf, allow_unused=True)
    return torch.zeros_like(at) if gradient is None else gradient


def _difference(
    function: Function,
    given: list[Any],
    position: int,
    at: Tensor,
    direction: Tensor,
    weights: Sequence[Tensor],
    step: float,
) -> float:
    with torch.no_grad():
        ahead = _run(function, given, position, at + step * direction)
        behind = _run(function, given, position, at - step * direction)
        change = [((a - b) * w).sum() for a, b, w in zip(ahead, behind, weights, strict=True)]
        return float(torch.stack(change).sum()) / (2 * step)


PROBE = Probe(
    id="custom_code",
    title=Text(en="Hand-written gradients", zh="手写的梯度"),
    needs=("loss",),
    provides=(
        "gradient_check.functions",
        "gradient_check.relative_error",
        "gradient_check.straight_through",
    ),
    cost=4,
    measure=measure,
)
