"""Nothing of the user's changes: take a snapshot of a case and put everything back, bit for bit.

A snapshot holds one copy of the parameters, buffers, gradients and optimizer state, and shallow
copies of every list, dict, object, random generator and open file that the case reaches. It is
taken once for a whole examination and can be restored any number of times.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import torch
from torch.nn.modules import module as torch_module
from torch.optim import optimizer as torch_optimizer
from torch.utils.data import DataLoader

from probes.case.case import Case
from probes.isolation.random_state import remember_process
from probes.isolation.reachable import Explorer

Depth = Literal["trained", "case", "all"]


class Snapshot:
    """The state of a case at one moment."""

    def __init__(self, case: Case) -> None:
        explorer = Explorer()
        self._process = remember_process()
        self._modes = [(module, module.training) for module in case.model.modules()]
        self._trained = explorer.remember(_trained(case), data=False)
        self._loaders = explorer.remember(_loaders(case), data=True)
        self._functions = explorer.remember(_functions(case), data=True, foreign=False)

    @property
    def loaders(self) -> list[DataLoader[Any]]:
        """Every DataLoader the case holds, wrapped ones included."""
        memories = (self._trained, self._loaders, self._functions)
        return [loader for memory in memories for loader in memory.loaders]

    def restore(self, depth: Depth = "all") -> None:
        """Put everything back.

        `depth`: "trained" leaves the loaders alone (for the many restores inside a probe), "case"
        leaves out only large data held in memory, "all" leaves out nothing. An interrupt that
        comes meanwhile waits until everything is back.
        """
        with _uninterrupted():
            try:
                with torch.no_grad():
                    self._restore_objects(depth)
            finally:
                for put_back in self._process:
                    put_back()

    def _restore_objects(self, depth: Depth) -> None:
        try:
            if depth != "trained":
                self._loaders.restore(bulk=depth == "all")
            self._functions.restore(bulk=depth == "all")
        finally:
            self._trained.restore(bulk=True)
            for module, training in self._modes:
                if module.training != training:  # compiled (script) modules keep it out of reach
                    module.training = training


@contextmanager
def unchanged(case: Case) -> Iterator[Snapshot]:
    """Put everything of the case back on leaving, however it is left."""
    snapshot = Snapshot(case)
    try:
        yield snapshot
    finally:
        snapshot.restore()


def _trained(case: Case) -> list[object]:
    objective = case.loss_fn if isinstance(case.loss_fn, torch.nn.Module) else None
    hooks = [
        value
        for module in (torch_module, torch_optimizer)
        for name, value in vars(module).items()
        if name.startswith("_global_") and isinstance(value, dict)
    ]
    values = [*case.model.parameters(), *case.model.buffers()]  # also those of script modules
    trained = [case.model, objective, *case.optimizers, case.scheduler, case.scaler]
    return [*trained, *values, *hooks]


def _loaders(case: Case) -> list[object]:
    return [case.train_loader, case.val_loader, case.test_loader]


def _functions(case: Case) -> list[object]:
    return [case.loss_fn, case.step, case.metric]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C until the block is done (in the main thread, the one that receives it)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if arrived:
            before(signal.SIGINT, None)
