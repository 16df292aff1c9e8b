"""Parameters and layers that a model holds where PyTorch does not look for them.

`self.layers = [nn.Linear(...)]` trains nothing: lists, dicts and plain attributes are not
registered, so `model.parameters()` does not contain them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from torch import Tensor, nn

_REGISTRIES: Final = frozenset(vars(nn.Module()))
_DEPTH: Final = 4
_LENGTH: Final = 1000  # entries looked at per container


def hidden_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules (topmost) that the model reaches through unregistered attributes."""
    return {name: value for name, value in _hidden(model) if isinstance(value, nn.Module)}


def hidden_parameters(model: nn.Module) -> dict[str, Tensor]:
    """Return tensors that want gradients, reachable from the model but not in parameters()."""
    known = {id(parameter) for parameter in model.parameters()}
    found: dict[str, Tensor] = {}
    for name, value in _hidden(model):
        inner = value.named_parameters(name) if isinstance(value, nn.Module) else [(name, value)]
        for path, tensor in inner:
            if id(tensor) not in known:
                known.add(id(tensor))
                found[path] = tensor
    return found


def _hidden(model: nn.Module) -> Iterator[tuple[str, Any]]:
    registered = {id(module) for module in model.modules()}
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        for name, value in [*vars(module).items(), *_closed_over(module)]:
            if name not in _REGISTRIES:
                yield from _search(f"{prefix}{name}", value, registered, _DEPTH)


def _closed_over(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield what the module's forward closes over: layers built outside the class."""
    forward = getattr(module.forward, "__func__", module.forward)
    code, cells = getattr(forward, "__code__", None), getattr(forward, "__closure__", None)
    for name, cell in zip(getattr(code, "co_freevars", ()), cells or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # an empty cell
            continue


def _search(path: str, value: Any, registered: set[int], depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, nn.Module):
        if id(value) not in registered:
            registered.add(id(value))
            yield path, value
    elif isinstance(value, Tensor):
        if value.requires_grad and value.is_leaf:
            yield path, value
    elif depth:
        for name, entry in _entries(value):
            yield from _search(f"{path}{name}", entry, registered, depth - 1)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple | set | frozenset):
        for number, entry in enumerate(list(value)[:_LENGTH]):
            yield f"[{number}]", entry
    elif isinstance(value, Mapping):
        for key, entry in list(value.items())[:_LENGTH]:
            yield f"[{key!r}]", entry
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield f".{field.name}", getattr(value, field.name, None)
