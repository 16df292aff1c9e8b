"""The place of a case, FILE.py:FUNC: what is wrong with it, and how it may go on.

Files are parsed, never imported: nothing of the user's runs while they type.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from expert.language import Text
from expert.spelling import nearest
from expert.tui import strings

_LARGEST = 2_000_000  # bytes; nobody's case file is larger, and parsing it would hold up the typing
_SHOWN = 4


def split_place(text: str) -> tuple[str, str]:
    """Return (path, function); the function is "" when it is not there yet.

    The colon of a Windows drive ("C:\\x.py") does not separate a function.
    """
    head, colon, tail = text.strip().rpartition(":")
    if not colon or "/" in tail or "\\" in tail:
        return text.strip(), ""
    return head, tail


def problem_with(text: str) -> Text | None:
    """Return one sentence saying why `text` is not the place of a case; None when it may be one."""
    if not text.strip():
        return strings.EMPTY_PLACE
    shown, function = split_place(text)
    path = Path(shown).expanduser()
    if (problem := _file_problem(path, shown)) is not None:
        return problem
    try:
        names = _names_in_file(path)
    except SyntaxError as error:
        return _say(strings.BAD_SYNTAX, path=shown, line=error.lineno, why=error.msg)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return _say(strings.UNREADABLE, path=shown, why=why)
    return _function_problem(shown, function, names)


def completions(text: str) -> list[str]:
    """Return how `text` may go on: folders and Python files, then the functions of the file."""
    shown, function = split_place(text)
    if text.rstrip().endswith(":") or function:
        names = [name for name in functions_in(Path(shown).expanduser()) if name != function]
        return [f"{shown}:{name}" for name in names if name.startswith(function)]
    path = Path(shown).expanduser()
    if path.suffix == ".py" and path.is_file():
        return [f"{shown}:{name}" for name in functions_in(path)] or [f"{shown}:"]
    return list(_paths(shown))


def functions_in(path: Path) -> list[str]:
    """Return the public names defined at the top of a Python file, likely cases first."""
    try:
        public = _names_in_file(path).public
    except (OSError, ValueError, SyntaxError):
        return []
    return sorted(public, key=lambda name: "case" not in name.lower())


def _file_problem(path: Path, shown: str) -> Text | None:
    try:
        if path.is_dir():
            return _say(strings.IS_A_FOLDER, path=shown)
        if not path.is_file():
            return _say(strings.NO_SUCH_FILE, path=shown)
    except (OSError, ValueError) as error:  # a null byte, a name that is too long
        return _say(strings.UNREADABLE, path=shown, why=getattr(error, "strerror", None) or error)
    if path.suffix != ".py":
        return _say(strings.NOT_PYTHON, path=shown)
    return None


def _function_problem(shown: str, function: str, names: _Names) -> Text | None:
    if not function:
        if not names.public:
            return _say(strings.NO_FUNCTION, path=shown)
        return _say(strings.NO_FUNCTION_HAS, path=shown, names=", ".join(names.public[:_SHOWN]))
    if names.may_have(function):
        return None
    close = nearest(function, names.public)
    if close:
        return _say(strings.DID_YOU_MEAN, path=shown, name=function, close=close)
    return _say(strings.NO_SUCH_FUNCTION, path=shown, name=function)


def _say(text: Text, **values: object) -> Text:
    return Text(en=text.en.format(**values), zh=text.zh.format(**values))


def _paths(shown: str) -> Iterator[str]:
    """Yield the folders and Python files whose path begins with `shown`, spelt as `shown` is."""
    head, tail = os.path.split(shown)
    try:
        entries = sorted(os.scandir(Path(head or ".").expanduser()), key=lambda e: e.name)
    except (OSError, ValueError):
        return
    for entry in entries:
        hidden = entry.name.startswith((".", "__")) and not tail.startswith((".", "_"))
        if hidden or not entry.name.startswith(tail):
            continue
        if entry.is_dir():
            yield os.path.join(head, entry.name, "")
        elif entry.name.endswith(".py"):
            yield os.path.join(head, entry.name)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a file binds at its top: functions, and other names that may hold one."""

    functions: list[str]
    others: frozenset[str]

    @property
    def public(self) -> list[str]:
        return [name for name in self.functions if not name.startswith("_")]

    def may_have(self, name: str) -> bool:
        return name in self.functions or bool(self.others & {name, "*"})


def _names_in_file(path: Path) -> _Names:
    stat = path.stat()
    if stat.st_size > _LARGEST:
        return _Names([], frozenset("*"))
    return _parsed(path, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _parsed(path: Path, changed: int) -> _Names:
    """Return what the file binds at its top; `changed` (its time stamp) only keys the cache."""
    functions: list[str] = []
    others: set[str] = set()
    for node in _top_level(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            others |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            others |= {target.id for target in targets if isinstance(target, ast.Name)}
    return _Names(functions, frozenset(others))


def _top_level(module: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of the module, those under `if`, `try` and `with` included."""
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            waiting[:0] = ast.iter_child_nodes(node)
