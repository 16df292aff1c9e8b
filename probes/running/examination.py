"""What a probe gets: the case, batches, an observed training step, and a way to train in isolation.

`run_probes(case)` runs the registered probes over one Examination; a test of a single
probe is `list(PROBE.measure(Examination(case)))`.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Self

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader

from expert.errors import TorchmedicError, UsageError, UserCodeError
from expert.language import Text
from expert.observation import Observation, Value
from probes.case.batches import Batch, cut
from probes.case.case import Case
from probes.case.drawing import Limits, draw
from probes.case.objective import loss_of
from probes.case.user_code import explain
from probes.isolation.snapshot import Depth, Snapshot
from probes.recording.loss_call import LossCall
from probes.recording.recording import Recording, record
from probes.running.compared import compared_part, with_target

PROBE_SAMPLES: Final = 256  # of `batch`, the one that most probes use
_TRAINING: Final = Limits()
_VALIDATION: Final = Limits(batches=8, samples=2048, bytes=64 << 20, seconds=5.0)
_STEP: Final = Text(en="A training step of your case", zh="您的案例的一个训练步")


class BudgetSpent(Exception):  # noqa: N818 (an end, not a mistake)
    """The time for this probe is over; `progress` raises it."""


class Examination:
    """One case under examination. Everything a probe changes is put back after it.

    Used as a context manager it puts back, on leaving, also what it has itself prepared.
    """

    def __init__(self, case: Case, *, budget_s: float = 60.0) -> None:
        self.case = case
        self.model: nn.Module = _eager(case.model)
        self.device = case.device()
        self.found: dict[str, Observation] = {}  # by name: what earlier probes have seen
        self.steps = 0  # training steps' worth of work done so far
        self.deadline = time.monotonic() + budget_s  # of the running probe
        self.origin = "given"  # of its observations
        self.on_progress: Callable[[float], None] | None = None
        self._recording_failure: Exception | None = None
        self._target_part: int | None = None  # of the batch, where the user's step told
        self._first = self._snapshot = Snapshot(case)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._first.restore()

    # --- data -------------------------------------------------------------------------------------

    @property
    def loaders(self) -> list[DataLoader[Any]]:
        """Every DataLoader of the case: `draw` keeps their worker processes from starting."""
        return self._snapshot.loaders

    @cached_property
    def batches(self) -> list[Batch]:
        """Up to 32 training batches (4096 samples), as the loader gives them, on the device."""
        with self.restored("all"):
            loader = self.case.train_loader
            return draw(loader, self.model, "train_loader", _TRAINING, self.loaders)

    @cached_property
    def val_batches(self) -> list[Batch]:
        """A few validation batches; empty when the case has no validation loader."""
        loader = self.case.val_loader
        if loader is None:
            return []
        with self.restored("all"):
            drawn = draw(loader, self.model, "val_loader", _VALIDATION, self.loaders)
        part = self._target_part
        return drawn if part is None else [with_target(batch, part) for batch in drawn]

    @cached_property
    def batch(self) -> Batch:
        """The first training batch, cut to at most 256 samples."""
        return cut(self.batches[0], PROBE_SAMPLES)

    # --- running the model ------------------------------------------------------------------------

    @property
    def recording(self) -> Recording:
        """One observed forward, loss and backward of `batch` in training mode (1 step), made once.

        Raises again what it raised the first time.
        """
        if self._recording_failure is not None:
            raise self._recording_failure
        return self._recording

    @cached_property
    def _recording(self) -> Recording:
        batch = self.batch
        try:
            with self.training():
                self.wake()
                self.count_steps(1)
                return record(self, batch)
        except Exception as failure:
            self._recording_failure = failure
            traceback.clear_frames(failure.__traceback__)  # they hold tensors
            raise

    def wake(self) -> None:
        """Put the model in training mode; parts that rest while it trains are left at rest."""
        if not self.model.training:
            self.model.train()

    @property
    def refusal(self) -> UserCodeError | None:
        """What the user's loss function raised when it was given the model's output."""
        failed = self._recording_failure is not None
        return None if failed else self.recording.refusal

    def loss_of(self, batch: Batch) -> torch.Tensor:
        """Return the loss of `batch` (no dimensions), in the model's present mode."""
        return loss_of(self.case, self.model, batch)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Put everything to its initial state, and back to it on leaving: train as you like inside.

        Model, optimizer, scheduler and random states are the user's own objects.
        """
        self._snapshot.restore("trained")
        with self.restored("trained"):
            yield

    @contextmanager
    def restored(self, depth: Depth = "case") -> Iterator[None]:
        """Put everything back on leaving, however it is left."""
        try:
            yield
        finally:
            self._snapshot.restore(depth)

    # --- preparing --------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Draw the batches and make sure that one training step of the case can be made.

        Raises UsageError or UserCodeError with the one sentence that says why not.
        """
        _check_memory_is_real(self.model)
        _ = self.batches
        if any(is_lazy(parameter) for parameter in self.model.parameters()):
            self._materialise()
        try:
            self._settle_targets(self.recording.loss_calls)
        except TorchmedicError:
            raise
        except Exception:  # ours, or the user's?
            self._check_a_step()

    def _settle_targets(self, calls: tuple[LossCall, ...]) -> None:
        """Take for targets what the user's own step was seen to compare with."""
        part = None if self.case.step is None else compared_part(self.batch, calls)
        if part is not None:
            self._target_part = part
            self.__dict__["batches"] = [with_target(batch, part) for batch in self.batches]
            self.__dict__["batch"] = with_target(self.batch, part)

    def _materialise(self) -> None:
        """Let lazy layers take their shapes; the initial state of probes is the one after that."""
        try:
            with torch.no_grad():
                self._try_batches(self.loss_of)
        except BaseException:
            self._first.restore()
            raise
        self._snapshot = Snapshot(self.case)

    def _check_a_step(self) -> None:
        before = self.batch
        with self.training():
            self.wake()
            self._try_batches(self._plain_step)
        if self.batch is not before:
            self._recording_failure = None
            with self.restored("trained"), _tolerant():
                _ = self.recording

    def _try_batches(self, attempt: Callable[[Batch], object]) -> None:
        """Try with the cut batch, then with the whole one (some models have a fixed batch size)."""
        try:
            attempt(self.batch)
        except Exception as failure:
            whole = self.batches[0]
            try:
                if whole is self.batch:
                    raise
                attempt(whole)
            except TorchmedicError:
                raise
            except Exception:
                raise explain(failure, _STEP) from None
            self.__dict__["batch"] = whole

    def _plain_step(self, batch: Batch) -> None:
        parameters = list(self.model.parameters())
        for parameter in parameters:
            parameter.grad = None
        loss = self.loss_of(batch)
        done = any(parameter.grad is not None for parameter in parameters)  # by the user's step
        if loss.requires_grad and not done:
            loss.backward()  # type: ignore[no-untyped-call]

    # --- telling ----------------------------------------------------------------------------------

    def observe(
        self, name: str, value: Value, where: tuple[str, ...] = (), unit: str | None = None
    ) -> Observation:
        """Return an observation that names the running probe as its origin."""
        return Observation(name, value, tuple(where), self.origin, unit)

    def progress(self, fraction: float) -> None:
        """Show how far the running probe is (0 to 1); raises BudgetSpent when its time is over."""
        if self.on_progress is not None and math.isfinite(fraction):
            self.on_progress(min(max(fraction, 0.0), 1.0))
        if self.seconds_left <= 0:
            raise BudgetSpent

    @property
    def seconds_left(self) -> float:
        """How long the running probe may still take."""
        return self.deadline - time.monotonic()

    def count_steps(self, count: int = 1) -> None:
        """Count `count` training steps' worth of work."""
        self.steps += count


def _eager(model: nn.Module) -> nn.Module:
    """Return the model behind `torch.compile`: compiled code cannot be observed."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, nn.Module) else model


@contextmanager
def _tolerant() -> Iterator[None]:
    """Let a recording fail: each probe that needs it will say so."""
    try:
        yield
    except TorchmedicError:
        raise
    except Exception:
        return


def _check_memory_is_real(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if parameter.is_meta and not is_lazy(parameter):
            raise UsageError(
                en=f"The model's parameter `{name}` is on the meta device and has no values: build"
                " the model on a real device, or use to_empty() and load its weights.",
                zh=f"模型的参数 `{name}` 位于 meta 设备上，没有数值：请在真实设备上构建模型，"
                "或使用 to_empty() 后加载权重。",
            )
