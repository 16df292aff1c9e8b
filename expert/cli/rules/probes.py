"""What the probes provide and need, read from their source: importing them would load torch.

Each probe ends in `PROBE = Probe(id=..., needs=(...), provides=(...))`. The names are constants, or
made from constants of the same module: `*_FACTS.values()`, `*(f"a.{n}" for n in _NAMES)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from expert.lint import Provider

PROBES = Path(__file__).resolve().parents[3] / "probes"


def read_probes(folder: Path = PROBES) -> dict[str, Provider]:
    """Return what each registered probe may give and what it needs, by the probe's id."""
    found = {}
    for name in _registered(folder / "registry.py"):
        constants = _constants(_parsed(folder / f"{name}.py"))
        match constants.get("PROBE"):
            case ast.Call(keywords=keywords):
                given = {
                    keyword.arg: frozenset(_strings(keyword.value, constants))
                    for keyword in keywords
                    if keyword.arg in ("id", "provides", "needs")
                }
                (id_,) = given["id"]
                found[id_] = Provider(given["provides"], given["needs"])
    return found


def _registered(registry: Path) -> Iterator[str]:
    """Yield the modules whose `PROBE` the registry names."""
    for node in ast.walk(_parsed(registry)):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="PROBE"):
                yield name


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _constants(module: ast.Module) -> dict[str, ast.expr]:
    """Return what the module assigns to names at its top level."""
    found: dict[str, ast.expr] = {}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
    return found


def _strings(node: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """Yield the strings that an expression holds; what cannot be read is left out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from _strings(part, constants)
        case ast.Starred(value=inner):
            yield from _strings(inner, constants)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _strings(left, constants)
            yield from _strings(right, constants)
        case ast.Name(id=name) if name in constants:
            yield from _strings(constants[name], constants)
        case ast.Dict(keys=keys):  # iterating over it
            for key in keys:
                yield from _strings(key, constants) if key else ()
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="values")):
            mapping = constants.get(name)
            for value in mapping.values if isinstance(mapping, ast.Dict) else ():
                yield from _strings(value, constants)
        case ast.GeneratorExp(elt=elt, generators=[loop]) if isinstance(loop.target, ast.Name):
            for text in _strings(loop.iter, constants):
                here = {**constants, loop.target.id: ast.Constant(text)}
                yield from _strings(elt, here)
        case ast.JoinedStr(values=parts):
            yield "".join(text for part in parts for text in _strings(part, constants))
        case ast.FormattedValue(value=inner):
            yield from _strings(inner, constants)
        case ast.Call(args=[inner]):  # tuple(...), sorted(...)
            yield from _strings(inner, constants)
