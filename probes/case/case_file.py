"""`FILE.py:FUNC` -> Case: the user's file is run, its function called, and the answer checked."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from expert.errors import UsageError
from expert.language import Text
from expert.spelling import nearest
from probes.case.case import Case
from probes.case.construction import noting_constructions
from probes.case.user_code import running
from probes.case.user_imports import OUR_NAMES, users_first


def load_case(spec: str) -> Case:
    """Return the case that `spec`, "FILE.py:FUNC", describes.

    The file's folder goes first on `sys.path`, as when Python runs the file. Raises UsageError for
    what cannot be used as given and UserCodeError when the user's own code fails.
    """
    path, name = split_spec(spec)
    _check_source(path)
    with users_first(), noting_constructions() as built:
        module = _run_file(path)
        function = _function(module, name, path)
        with running(Text(en=f"Your function {name}()", zh=f"您的函数 {name}() ")):
            given = function()
    _check_answer(given, name)
    case = Case.of(given)
    object.__setattr__(case, "places", built.of(case))
    return case


def split_spec(spec: str) -> tuple[Path, str]:
    """Return the file and the function's name; raises UsageError when there are not both."""
    file, colon, name = spec.rpartition(":")
    if not colon or not file or os.sep in name or name.startswith(("\\", "/")):
        _refuse_no_function(spec)
    if not name.isidentifier():
        raise UsageError(
            en=f"`{name}` in `{spec}` is not a function name: write FILE.py:FUNC, for example"
            f" {file}:case.",
            zh=f"`{spec}` 中的 `{name}` 不是函数名：请写成 FILE.py:FUNC，例如 {file}:case。",
        )
    return _existing(Path(file).expanduser()), name


def _refuse_no_function(spec: str) -> NoReturn:
    file = spec.strip(":") or "train.py"
    raise UsageError(
        en=f"`{spec}` names no function: write FILE.py:FUNC, for example {file}:case.",
        zh=f"`{spec}` 没有指明函数：请写成 FILE.py:FUNC，例如 {file}:case。",
    )


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise UsageError(
            en=f"`{path}` is a folder: name a Python file in it, {path}/FILE.py:FUNC.",
            zh=f"`{path}` 是文件夹：请指明其中的 Python 文件，例如 {path}/FILE.py:FUNC。",
        )
    if not path.exists():
        here = [entry.name for entry in _python_files(path.parent)]
        near = nearest(path.name, here)
        raise UsageError(
            en=f"There is no file `{path}`"
            + (f": did you mean `{near}`?" if near else ": check the path."),
            zh=f"文件 `{path}` 不存在" + (f"：您是否想写 `{near}`？" if near else "：请检查路径。"),
        )
    return path.resolve()


def _python_files(folder: Path) -> list[Path]:
    try:
        return list(folder.glob("*.py"))
    except OSError:
        return []


def _check_source(path: Path) -> None:
    """Raise a UsageError for a file that is not Python, a UserCodeError for a syntax error."""
    if path.suffix == ".ipynb":
        _refuse_file(
            path,
            Text(
                en="is a notebook: save its code as a .py file first",
                zh="是 notebook：请先把代码保存为 .py 文件",
            ),
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        _refuse_file(path, Text(en=f"cannot be read ({why})", zh=f"无法读取（{why}）"))
    if b"\0" in source or (path.suffix not in (".py", ".pyw") and not _is_python(source)):
        _refuse_file(
            path,
            Text(
                en="is not a Python file: name a .py file", zh="不是 Python 文件：请指定 .py 文件"
            ),
        )
    with running(Text(en="Reading your file", zh="读取您的文件时")):
        ast.parse(source, filename=str(path))


def _is_python(source: bytes) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _refuse_file(path: Path, why: Text) -> NoReturn:
    raise UsageError(en=f"`{path}` {why.en}.", zh=f"`{path}` {why.zh}。")


def _run_file(path: Path) -> ModuleType:
    folder = str(path.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(
        name, path, loader=importlib.machinery.SourceFileLoader(name, str(path))
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses, pickle and worker processes look there
    with running(Text(en="Your file", zh="您的文件")):
        spec.loader.exec_module(module)
    return module


def _module_name(path: Path) -> str:
    """Return the file's own name, unless that would take the place of another module."""
    stem = path.stem
    free = stem.isidentifier() and stem not in sys.stdlib_module_names and stem not in OUR_NAMES
    present = getattr(sys.modules.get(stem), "__file__", str(path)) if free else None
    return stem if present is not None and Path(present) == path else f"_case_{stem}"


def _function(module: ModuleType, name: str, path: Path) -> Callable[[], Any]:
    missing = object()
    found: Any = getattr(module, name, missing)
    if found is missing:
        _refuse_missing(module, name, path)
    if not callable(found):
        kind = type(found).__name__
        raise UsageError(
            en=f"`{name}` in {path.name} is a {kind}, not a function: write `def {name}():` and"
            " return the case from it.",
            zh=f"{path.name} 中的 `{name}` 的类型是 {kind}，不是函数："
            f"请写成 `def {name}():` 并返回案例。",
        )
    _check_no_arguments(found, name)
    function: Callable[[], Any] = found
    return function


def _refuse_missing(module: ModuleType, name: str, path: Path) -> NoReturn:
    own = [
        key
        for key, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    ]
    near = nearest(name, own)
    shown = ", ".join(own[:8])
    if near:
        hint = Text(en=f"did you mean `{near}`?", zh=f"您是否想写 `{near}`？")
    elif own:
        hint = Text(en=f"its functions are {shown}.", zh=f"其中的函数有 {shown}。")
    else:
        hint = Text(en="it defines no functions.", zh="该文件没有定义任何函数。")
    raise UsageError(
        en=f"There is no function `{name}` in {path.name}: {hint.en}",
        zh=f"{path.name} 中没有函数 `{name}`：{hint.zh}",
    )


def _check_no_arguments(function: Callable[..., Any], name: str) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built-in callables do not tell
        return
    try:
        signature.bind()
    except TypeError:
        required = [
            entry.name
            for entry in signature.parameters.values()
            if entry.default is entry.empty
            and entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)
        ]
        listed = ", ".join(required)
        raise UsageError(
            en=f"`{name}` requires arguments ({listed}): it is called without any, so give them"
            " default values.",
            zh=f"`{name}` 需要参数（{listed}）：调用时不带任何参数，请为它们设置默认值。",
        ) from None


def _check_answer(given: object, name: str) -> None:
    if isinstance(given, Case | Mapping):
        return
    kind = type(given).__name__
    if inspect.iscoroutine(given):
        given.close()
    raise UsageError(
        en=f"`{name}()` returned "
        + ("None" if given is None else f"a {kind}")
        + ": return a dict or a Case with at least model, train_loader and loss_fn.",
        zh=f"`{name}()` 返回的是 "
        + ("None" if given is None else kind)
        + "：请返回至少包含 model、train_loader 和 loss_fn 的 dict 或 Case。",
    )
