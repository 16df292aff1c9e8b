"""Probe of the user's own layers: is their gradient that of their forward?

PyTorch derives what a layer does with its own operations rightly, as long as every one of them is
in the graph: a `detach`, `.data` or `no_grad` on one of several ways leaves a gradient that is
there, and wrong. Each kind of module that the user wrote is caught at work on a few samples, copied
in float64, and its backward is compared with central differences along random directions of its
inputs and of its parameters (section 22 of the "37 reasons": test every custom layer).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import cut, map_tensors, tensors_in
from probes.probe import Probe
from probes.quantities.slopes import Slopes, verdict

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAMPLES: Final = 4
KINDS: Final = 6  # classes of modules that are checked
LARGEST: Final = 2**21  # parameters of a module that is copied
DIRECTIONS: Final = 3
STEPS: Final = (1e-7, 1e-5)  # of the size of what is moved
FINEST: Final = 1e-6  # of the outputs: less of a slope is rounding
_SEED: Final = 22
Leaves = list[Tensor]


@dataclass(frozen=True, slots=True)
class _Caught:
    """A module of the user's and what it was first called with."""

    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `gradient_check.module*`.

    Nothing is checked where autograd functions of the user's own take part: what their backward
    does on purpose (straight through, reversed) would look like a mistake of the module.
    """
    recording = exam.recording
    if recording.refusal is not None or recording.functions:
        return
    own = _own_modules(exam.model)
    yield exam.observe("gradient_check.modules", len(own))
    if not own:
        return
    errors: dict[str, float] = {}
    with exam.training():
        for caught in _caught(exam, own):
            errors.update(_errors(caught))
            exam.progress(math.nan)
        exam.count_steps(2)
    if errors:
        yield exam.observe("gradient_check.module_error", tuple(errors.values()), tuple(errors))


def _own_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Return by path the first module of each class that is not a library's and has none inside."""
    found: dict[type[nn.Module], tuple[str, nn.Module]] = {}
    for path, module in model.named_modules():
        inner = any(_is_own(part) for part in module.modules() if part is not module)
        if _is_own(module) and not inner and type(module) not in found:
            found[type(module)] = path, module
    small = {
        path or "model": module
        for path, module in found.values()
        if sum(p.numel() for p in module.parameters()) <= LARGEST
    }
    return dict(list(small.items())[:KINDS])


def _is_own(module: nn.Module) -> bool:
    library = type(module).__module__.split(".")[0]
    return library not in _LIBRARIES


_LIBRARIES: Final = frozenset(
    {"torch", "torchvision", "torchaudio", "timm", "transformers", "diffusers", "peft", "lightning"}
)


def _caught(exam: Examination, own: dict[str, nn.Module]) -> list[_Caught]:
    """Return what each module was first given in a forward of a few samples."""
    caught: dict[str, _Caught] = {}
    handles = []
    for path, module in own.items():

        def note(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], path: str = path
        ) -> None:
            if path not in caught:
                given = map_tensors(args, _copied), map_tensors(kwargs, _copied)
                caught[path] = _Caught(path, module, tuple(given[0]), dict(given[1]))

        handles.append(module.register_forward_pre_hook(note, with_kwargs=True))
    try:
        exam.wake()
        with torch.no_grad():
            exam.loss_of(cut(exam.batch, SAMPLES))
    finally:
        for handle in handles:
            handle.remove()
    return list(caught.values())


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


def _errors(caught: _Caught) -> dict[str, float]:
    """Return the errors by place: of the gradient of the inputs, and of the parameters."""
    try:
        module = copy.deepcopy(caught.module).double()
        args = map_tensors(caught.args, _beside_ties)
        kwargs = map_tensors(caught.kwargs, _beside_ties)
        wanted = [p for p in module.parameters() if p.requires_grad]
        with torch.no_grad():
            for parameter in wanted:  # biases of 0 put rectifiers on their kink
                parameter.copy_(_beside_ties(parameter))
        given = [t for t in tensors_in([list(args), kwargs]) if t.is_floating_point()]
        call = _Call(module, args, kwargs)
        places: dict[str, Leaves] = {"inputs": given, "parameters": list(wanted)}
        found = {name: _error(call, leaves) for name, leaves in places.items() if leaves}
    except Exception:  # it cannot be copied, or does not compute in float64
        return {}
    kind = type(caught.module).__name__
    return {f"{caught.path} ({kind}, {name})": e for name, e in found.items() if e is not None}


def _beside_ties(tensor: Tensor) -> Tensor:
    """Return the values in float64, raised by up to 1 % of their size.

    On equal values (the black border of an image) a maximum has no derivative, nor has a rectifier
    on 0.
    """
    if not tensor.is_floating_point():
        return tensor
    values = tensor.double()
    generator = torch.Generator().manual_seed(_SEED)
    noise = torch.rand(values.shape, generator=generator, dtype=values.dtype).to(values.device)
    return values + 0.01 * (float(values.abs().mean()) or 1.0) * noise


@dataclass(frozen=True, slots=True)
class _Call:
    """A module in float64 with arguments whose tensors are moved in place between calls."""

    module: nn.Module
    args: Any
    kwargs: Any

    def outputs(self) -> list[Tensor]:
        """Return its floating-point outputs; the same random numbers are drawn each time."""
        generator = torch.default_generator
        state = generator.get_state()
        generator.manual_seed(_SEED)
        try:
            result = self.module(
                *map_tensors(self.args, torch.clone), **map_tensors(self.kwargs, torch.clone)
            )
        finally:
            generator.set_state(state)
        parts = list(tensors_in(result)) or list(tensors_in(getattr(result, "__dict__", None)))
        return [part for part in parts if part.is_floating_point()]


def _error(call: _Call, leaves: Leaves) -> float | None:
    """Return the error of the gradient of `leaves`; None where it cannot be told or is meant."""
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        first, second = call.outputs(), call.outputs()
    same = len(first) == len(second) and all(map(torch.equal, first, second))
    if not first or not same or not all(bool(torch.isfinite(out).all()) for out in first):
        return None
    weights = [_noise(out, generator) for out in first]

    def total() -> Tensor:
        pairs = zip(call.outputs(), weights, strict=True)
        return torch.stack([(out * weight).sum() for out, weight in pairs]).sum()

    gradients = _gradients(total, leaves)
    if gradients is None:
        return None
    slopes = [s for _ in range(DIRECTIONS) if (s := _slope(total, leaves, gradients, generator))]
    pairs = zip(first, weights, strict=True)
    least = FINEST * sum(float((out * weight).abs().sum()) for out, weight in pairs)
    told = [s for s in slopes if max(abs(s.analytic), min(map(abs, s.numeric))) > least]
    return verdict(told) if told else None


def _gradients(total: Callable[[], Tensor], leaves: Leaves) -> Leaves | None:
    before = [leaf.requires_grad for leaf in leaves]
    try:
        for leaf in leaves:
            leaf.requires_grad_()
        with torch.enable_grad():
            value = total()
        if not value.requires_grad:
            return None  # flat, or taken out altogether: other probes tell where
        found = torch.autograd.grad(value, leaves, allow_unused=True)
    finally:
        for leaf, wanted in zip(leaves, before, strict=True):
            leaf.requires_grad_(wanted)
    pairs = zip(found, leaves, strict=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in pairs]


def _slope(
    total: Callable[[], Tensor], leaves: Leaves, gradients: Leaves, generator: torch.Generator
) -> Slopes | None:
    directions = [_noise(leaf, generator) * (leaf.detach().abs().mean() or 1.0) for leaf in leaves]
    analytic = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    numeric = tuple(_difference(total, leaves, directions, step) for step in STEPS)
    finite = all(map(math.isfinite, (analytic, *numeric)))
    return Slopes(analytic, numeric) if finite else None


def _difference(
    total: Callable[[], Tensor], leaves: Leaves, directions: Sequence[Tensor], step: float
) -> float:
    before = [leaf.detach().clone() for leaf in leaves]
    values = []
    with torch.no_grad():
        for sign in (1.0, -1.0):
            for leaf, old, direction in zip(leaves, before, directions, strict=True):
                leaf.copy_(old + sign * step * direction)
            values.append(float(total()))
        for leaf, old in zip(leaves, before, strict=True):
            leaf.copy_(old)
    return (values[0] - values[1]) / (2 * step)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)


PROBE = Probe(
    id="custom_modules",
    title=Text(en="The gradient of your own layers", zh="自定义层的梯度"),
    needs=("loss", "gradients"),
    provides=("gradient_check.modules", "gradient_check.module_error"),
    cost=4,
    measure=measure,
)
