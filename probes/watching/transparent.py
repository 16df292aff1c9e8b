"""Wrapping a function of torch's so that nobody notices: same name, same warnings, no frame shown.

A warning raised inside torch names the line of its caller; Python leaves frames of its own import
system out when it looks for that line. Our wrappers carry such a file name, and work in the
globals of what they wrap, so the same warnings appear for the same lines, as often as without us.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType, TracebackType
from typing import Any, Final

HIDDEN: Final = "<frozen importlib._bootstrap torchmedic>"
_OUR_FOLDERS: Final = tuple(
    str(Path(__file__).resolve().parents[2] / name)
    for name in ("probes/watching", "probes/integrations", "expert/cli", "torchmedic")
)

Before = Callable[[tuple[Any, ...], dict[str, Any]], Any]
After = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]


def wrapped(original: Callable[..., Any], before: Before, after: After, idle: Before) -> Any:
    """Return `original` with `before(args, kwargs)` and `after(token, args, kwargs, result)`.

    Neither may raise. Where `idle()` is true (torch.compile is reading along) only `original` runs.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if idle(args, kwargs):
            return original(*args, **kwargs)
        token = before(args, kwargs)
        result = original(*args, **kwargs)
        after(token, args, kwargs, result)
        return result

    return hidden(wrapper, original)


def hidden(wrapper: Any, original: Any) -> Any:
    """Return `wrapper` as a function that tracebacks and warnings do not tell from `original`."""
    code: CodeType = wrapper.__code__.replace(co_filename=HIDDEN)
    names = getattr(original, "__globals__", wrapper.__globals__)
    made = FunctionType(code, names, wrapper.__name__, None, wrapper.__closure__)
    return functools.update_wrapper(made, original)


def is_ours(filename: str) -> bool:
    """Return whether code of that file belongs to the watching."""
    return filename == HIDDEN or filename.startswith(_OUR_FOLDERS)


def without_our_frames(error: BaseException) -> TracebackType | None:
    """Take our frames out of the tracebacks of `error` and of what caused it; returns its own."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = _stripped(one.__traceback__)
        waiting += [one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())
    return error.__traceback__


def _stripped(first: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    entry = first
    while entry is not None:
        if not is_ours(entry.tb_frame.f_code.co_filename):
            kept.append(entry)
        entry = entry.tb_next
    for one, following in zip(kept, [*kept[1:], None], strict=False):
        one.tb_next = following
    return kept[0] if kept else None
