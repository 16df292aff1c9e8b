"""Trials on a Ray cluster: each share of them in a task, told here as it goes.

Ray (the extra `ray`) is found as its own tools find it: the cluster that `RAY_ADDRESS` names, else
one is started here. A task takes one GPU where the cluster has any. The case's file must lie at the
same place on every node, and torchmedic be installed there.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from expert.errors import UsageError
from expert.trial_shares import Said


def connect() -> Any:
    """Return Ray, connected. Raises UsageError where it is not installed or does not start."""
    try:
        import ray
    except ImportError:
        raise UsageError(
            en="`--ray` needs Ray, which is not installed: pip install 'torchmedic[ray]'.",
            zh="`--ray` 需要 Ray，但尚未安装：pip install 'torchmedic[ray]'。",
        ) from None
    if ray.is_initialized():
        return ray
    address = os.environ.get("RAY_ADDRESS")
    here: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(
            address=address,
            logging_level=logging.ERROR,
            log_to_driver=False,
            configure_logging=True,
            **here,
        )
    except Exception as error:  # whatever kept its processes from starting
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            en=f"Ray did not start ({why}): run `ray status`, or leave out --ray.",
            zh=f"Ray 未能启动（{why}）：请运行 `ray status` 检查，或去掉 --ray。",
        ) from None
    return ray


class RayVoice:
    """A process on some machine of the cluster."""

    def __init__(self, ray: Any, arguments: Sequence[str]) -> None:
        self._ray = ray
        gpus = 1 if ray.cluster_resources().get("GPU") else 0
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_share)
        self._said = task.options(num_returns="streaming").remote(list(arguments), os.getcwd())

    def listen(self) -> Iterator[Said]:
        """Yield what it says, at last ("status", its exit status)."""
        for reference in self._said:
            yield self._ray.get(reference)

    def end(self) -> None:
        """End the task; its process ends with it."""
        with contextlib.suppress(Exception):  # it has ended, or Ray has
            self._ray.cancel(self._said, force=False)


def _share(arguments: Sequence[str], folder: str) -> Iterator[Said]:
    """Run the trials' process on this machine. (Runs in a worker of Ray's.)"""
    import sys

    from expert.child_process import ChildProcess
    from expert.examination import PROGRAM

    with contextlib.suppress(OSError):
        os.chdir(folder)
    child = ChildProcess([sys.executable, str(PROGRAM), *arguments])
    try:
        yield from child.listen()
        yield "status", str(child.status)
    finally:
        child.end()
