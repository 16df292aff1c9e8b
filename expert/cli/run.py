"""`torchmedic run SCRIPT.py ARGS...`: watch a script that trains, print the diagnosis at its end.

The script runs in this process, as `python SCRIPT.py ARGS...` would run it: nothing but standard
library is loaded before, so that no module of ours can stand in the way of one of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TextIO

from expert.errors import UsageError
from expert.language import Text
from probes.watching.running import Watched, watch
from probes.watching.script import InterruptAtExit, main_file

_WATCHING = Text(
    en="torchmedic: watching {} (the diagnosis comes at its end)",
    zh="torchmedic：正在观察 {}（结束时给出诊断）",
)
_NO_TORCH = Text(
    en="torchmedic: the script did not import torch; there is nothing to diagnose.",
    zh="torchmedic：该脚本没有导入 torch，无可诊断。",
)
_NO_TRAINING = Text(
    en="torchmedic: no training was seen (no backward pass, no optimizer step).",
    zh="torchmedic：没有看到训练（没有反向传播，也没有优化器更新）。",
)
_HEALTHY = Text(
    en="torchmedic: no fault found in {} steps.",
    zh="torchmedic：观察了 {} 步，没有发现故障。",
)
_FAILED = Text(
    en="torchmedic: no diagnosis, through a fault of its own ({}); your script is not affected.",
    zh="torchmedic：由于自身的错误（{}）无法给出诊断；您的脚本不受影响。",
)


def run(options: argparse.Namespace) -> int:
    """Run the script of `options.line` watched; returns its own exit status."""
    target, arguments = _command(options)
    home, errors, path = os.getpid(), sys.stderr, list(sys.path)
    _say(errors, _WATCHING.get(options.lang).format(target))
    interrupt = InterruptAtExit()
    watched = watch(target, arguments, module=options.module)
    ended = watched.ended
    if os.getpid() != home:  # a forked child that came to the end of the script
        return ended.status
    interrupt.wanted = ended.interrupted
    findings = False
    try:
        sys.stdout.flush()
        users_path, sys.path[:] = list(sys.path), path
        findings = _diagnose(watched, options, errors)
        sys.path[:] = users_path
    except KeyboardInterrupt:
        interrupt.wanted = True
    except Exception as error:
        _say(errors, _FAILED.get(options.lang).format(f"{type(error).__name__}: {error}"))
    return 1 if findings and options.exit_on_finding and not ended.status else ended.status


def _command(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the script (or module) and its arguments; raises UsageError."""
    command = list(options.line)
    if command[:1] == ["--"]:
        del command[0]
    if not command:
        raise UsageError(
            en="torchmedic run needs a script: torchmedic run train.py ARGS...",
            zh="torchmedic run 需要一个脚本：torchmedic run train.py 参数……",
        )
    target = command[0]
    if not options.module and main_file(target) is None:
        _refuse(target)
    _refuse_unwritable(options.json)
    return target, command[1:]


def _refuse(target: str) -> None:
    if Path(target).is_dir():
        raise UsageError(
            en=f"{target} is a folder without a __main__.py: name the script in it.",
            zh=f"{target} 是一个没有 __main__.py 的文件夹：请指明其中的脚本。",
        )
    raise UsageError(en=f"There is no script {target}.", zh=f"找不到脚本 {target}。")


def _refuse_unwritable(target: str | None) -> None:
    if target is None:
        return
    if target == "-" or Path(target).is_dir() or not Path(target).absolute().parent.is_dir():
        raise UsageError(
            en=f"--json {target}: name a file in a folder that exists (standard output belongs"
            " to the script).",
            zh=f"--json {target}：请给出文件名，且所在文件夹必须存在（标准输出归脚本使用）。",
        )


def _diagnose(watched: Watched, options: argparse.Namespace, errors: TextIO) -> bool:
    """Print the diagnosis; returns whether there are findings."""
    if not watched.torch:
        _say(errors, _NO_TORCH.get(options.lang))
        return False
    if "install" in watched.broken or "facts" in watched.broken:
        _say(errors, _FAILED.get(options.lang).format("; ".join(watched.broken.values())))
        return False
    if not watched.steps and not watched.backward_passes:
        _say(errors, _NO_TRAINING.get(options.lang))
        return False
    return _told(watched, options, errors)


def _told(watched: Watched, options: argparse.Namespace, errors: TextIO) -> bool:
    from rich.console import Console

    from expert.cli.knowledge import knowledge_for
    from expert.inference.diagnose import diagnose
    from expert.report.json_report import to_json
    from expert.report.text_report import print_diagnosis

    diagnosis = diagnose(
        watched.observations, knowledge_for(options), min_certainty=options.min_certainty
    )
    if options.json:
        path = Path(options.json)
        path.write_text(to_json(diagnosis, options.lang), encoding="utf-8")
    if diagnosis.findings:
        print_diagnosis(diagnosis, Console(file=errors, highlight=False), options.lang)
    else:
        _say(errors, _HEALTHY.get(options.lang).format(watched.steps or watched.backward_passes))
    return bool(diagnosis.findings)


def _say(errors: TextIO, line: str) -> None:
    try:
        print(line, file=errors, flush=True)
    except (OSError, ValueError):  # the script has closed it
        return
