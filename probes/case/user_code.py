"""The user's own code: running it, and telling what it raised in their terms, not in ours."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from expert.errors import TorchmedicError, UserCodeError
from expert.language import Text
from probes.case.users_files import is_users_file

_OUR_FOLDERS: Final = tuple(
    str(Path(__file__).resolve().parents[2] / name) + os.sep for name in ("probes", "expert")
)
_DEVICE_SIGNS: Final = ("same device", "expected device", "device type", "torch.cuda.FloatTensor")


@contextmanager
def running(what: Text) -> Iterator[None]:
    """Turn what the user's code raises inside into a UserCodeError; `what` names what was run.

    KeyboardInterrupt and our own errors pass.
    """
    try:
        yield
    except TorchmedicError:
        raise
    except (Exception, SystemExit) as error:
        raise explain(error, what) from None


def explain(error: BaseException, what: Text) -> UserCodeError:
    """Return a UserCodeError: one sentence with the place, and the user's traceback."""
    place = place_of(error)
    at_en, at_zh = (f" in {place}", f"（位置：{place}）") if place else ("", "")
    said = describe(error)
    advice = _advice(error)
    return UserCodeError(
        en=f"{what.en} failed{at_en}: {said}{advice.en}",
        zh=f"{what.zh}运行失败{at_zh}：{said}{advice.zh}",
        traceback=users_traceback(error),
    )


def describe(error: BaseException) -> str:
    """Return an exception as one line."""
    kind = type(error).__name__
    message = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    first = message.splitlines()[0].rstrip(" .:") if message else ""
    return f"{kind}: {first}" if first else kind


def place_of(error: BaseException) -> str | None:
    """Return "file.py, line 3": the last line of the user's that an exception went through."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{_short(error.filename)}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if is_users_file(frame.filename):
            return f"{_short(frame.filename)}, line {frame.lineno}"
    return None


def users_traceback(error: BaseException) -> str:
    """Return the traceback without our frames and those of the import system."""
    told = traceback.TracebackException.from_exception(error)
    waiting: list[traceback.TracebackException | None] = [told]
    while waiting:
        part = waiting.pop()
        if part is not None:
            kept = [frame for frame in part.stack if not _is_ours(frame.filename)]
            part.stack = traceback.StackSummary.from_list(kept)
            waiting += [part.__cause__, part.__context__]
    return "".join(told.format())


def _is_ours(filename: str) -> bool:
    return filename.startswith((*_OUR_FOLDERS, "<frozen importlib", "<frozen runpy"))


def _short(filename: str) -> str:
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative


def _advice(error: BaseException) -> Text:
    if isinstance(error, SystemExit):
        return Text(
            en=" (the code ended the program; let it return instead).",
            zh="（代码终止了程序；请改为正常返回）。",
        )
    message = str(error)
    if isinstance(error, RuntimeError) and any(sign in message for sign in _DEVICE_SIGNS):
        return Text(
            en=" (batches were moved to the model's device; move the loss function's weights and"
            " everything else the model uses there too, with .to(device)).",
            zh="（批次已移到模型所在的设备；请用 .to(device) 把损失函数的权重以及模型用到的"
            "其他张量也移过去）。",
        )
    if "second time" in message:
        return Text(
            en=" (return the loss before backward() is called on it: torchmedic calls it).",
            zh="（请返回尚未调用 backward() 的损失：torchmedic 会自行调用）。",
        )
    return Text(en=".", zh="。")
