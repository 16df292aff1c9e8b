"""What provides facts, read from the source of the probes: importing them would load torch.

Each probe ends in `PROBE = Probe(id=..., needs=(...), provides=(...))`, those of installed packages
likewise. The names are constants, or made from constants of the same module:
`*_FACTS.values()`, `*(f"a.{n}" for n in _NAMES)`. Reading
logs and watching a run have no such list; what they provide are the facts that their modules name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from expert.inference.trials import FACTS as TRIAL_FACTS
from expert.lint import Provider

PROBES = Path(__file__).resolve().parents[3] / "probes"
_FACT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_.]*")


def read_providers(folder: Path = PROBES) -> dict[str, Provider]:
    """Return what each inquiry may give, by the name under which the facts know it."""
    probes = read_probes(folder)
    return {
        **{f"probe:{id_}": probe for id_, probe in probes.items()},
        "trial:comparison": Provider(TRIAL_FACTS, told=True),
        "log:curves": Provider(_named_in(folder / "logs"), alone=True),
        "watch:run": Provider(_named_in(folder / "watching") | _looked_with(folder), alone=True),
    }


def read_probes(folder: Path = PROBES) -> dict[str, Provider]:
    """Return what each probe, built in or installed, may give and what it needs, by its id."""
    built_in = [_probe(folder / f"{name}.py") for name in _registered(folder / "registry.py")]
    installed = [_installed(entry) for entry in entry_points(group="torchmedic.probes")]
    return dict(found for found in (*installed, *built_in) if found)


def _installed(entry: EntryPoint) -> tuple[str, Provider] | None:
    module = _module_of(entry)
    try:
        return None if module is None else _probe(module, entry.attr)
    except (KeyError, SyntaxError, ValueError):  # written in another way; examining tells faults
        return None


def _module_of(entry: EntryPoint) -> Path | None:
    """Return the file of the module that an entry point names; nothing is imported for it."""
    top, *inner = entry.module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    module = Path(spec.origin)
    if inner:
        module = module.parent.joinpath(*inner).with_suffix(".py")
    return module if module.suffix == ".py" and module.is_file() else None


def _probe(module: Path, name: str = "PROBE") -> tuple[str, Provider] | None:
    constants = _constants(_parsed(module))
    match constants.get(name):
        case ast.Call(keywords=keywords):
            given = {
                keyword.arg: frozenset(_strings(keyword.value, constants))
                for keyword in keywords
                if keyword.arg in ("id", "provides", "needs")
            }
            (id_,) = given["id"]
            return id_, Provider(given["provides"], given["needs"])
    return None


def _looked_with(folder: Path) -> frozenset[str]:
    """Return the facts of the probes that the watching hands what it has seen."""
    found: set[str] = set()
    for module in sorted((folder / "watching").glob("*.py")):
        for node in _parsed(module).body:
            match node:
                case ast.ImportFrom(module="probes", names=names):
                    for alias in names:
                        probe = _probe(folder / f"{alias.name}.py")
                        found |= probe[1].facts if probe else set()
    return frozenset(found)


def _named_in(package: Path) -> frozenset[str]:
    """Return what looks like the name of a fact in the code of a package (not in its comments)."""
    return frozenset(
        node.value
        for module in sorted(package.glob("*.py"))
        for node in ast.walk(_parsed(module))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _FACT.fullmatch(node.value)
    )


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
