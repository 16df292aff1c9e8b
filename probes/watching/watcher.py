"""The watcher: puts the observers on torch's own hooks, and takes them away again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import clip_grad
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from probes.recording.ops import LOSSES
from probes.watching.forwards import Forwards
from probes.watching.frames import Lines
from probes.watching.loading import Loading
from probes.watching.losses import Losses
from probes.watching.now import Now, idle
from probes.watching.placing import put
from probes.watching.readings import local
from probes.watching.replicas import Replicas
from probes.watching.replicas import record as replicas_record
from probes.watching.schedule import Schedule
from probes.watching.settings import Settings
from probes.watching.transparent import wrapped
from probes.watching.trouble import Trouble, trouble
from probes.watching.updates import Updates

_BUDGET: Final = 0.02  # of the time for close steps, and as much for all others
_BUILT: Final[tuple[Any, ...]] = (nn.Module, Optimizer, DataLoader, LRScheduler)
_REMEMBERED: Final = 4
_MOST_REMEMBERED: Final = 65_536
_MOST_OPTIMIZERS: Final = 64
_MOST_SEARCHED: Final = 10_000  # steps until the module is not looked for any more
_LEAST_OF_A_FIT: Final = 20  # steps before another model's optimizer begins another fit
_WITHOUT_STEPS: Final = 32  # backward passes before they are taken for steps


class Watcher:
    """Everything that is seen of a run. `install` once, `finish` at the end.

    `on_step` is called after every update (and every backward pass of a loop without updates);
    what it raises reaches the script. `one_of_many`: this is one rank of several, whose notes
    are to be compared.
    """

    def __init__(
        self,
        script: str | None = None,
        on_step: Callable[[Watcher], None] | None = None,
        *,
        one_of_many: bool = False,
    ) -> None:
        self.replicas = Replicas() if one_of_many else None
        self.now = Now(Lines(script), Schedule(None if one_of_many else _BUDGET))
        self.updates = Updates(self.now)
        self.losses = Losses(self.now)
        noting = self.replicas.trained_on if self.replicas is not None else None
        self.loading = Loading(self.now, noting)
        self.forwards = Forwards(self.now)
        self.settings = Settings()
        self.scheduler: str | None = None
        self.is_on = True
        self.zeroings = 0  # zero_grad calls before the first step
        self._weights: list[tuple[weakref.ref[Tensor], Tensor]] = []  # as they were at first
        self._optimizers: list[weakref.ref[Optimizer]] = []  # the first ones built
        self._stack = ExitStack()
        self._run = self.now.guard.run
        self._on_step = on_step

    def install(self) -> None:
        """Put the observers on torch."""
        self._install_steps()
        self._install_backward()
        self._install_losses()
        self._install_loading()
        self._install_scaler()
        self._install_compile()
        for kind in _BUILT:
            self._wrap(kind, "__init__", self._constructed, None)
        self._wrap(Optimizer, "__init__", None, self._filled)
        self._run("models", self.forwards.open)

    def record(self) -> dict[str, Any]:
        """Return what this rank knows of itself, for the reader of all ranks' records."""
        return replicas_record(self)

    def trouble(self) -> Trouble | None:
        """Return what is so wrong at this moment that the run need not go on."""
        return trouble(self)

    def finish(self) -> None:
        """Take the observers away, and read what is still on its way."""
        self.is_on = False
        self._stack.close()
        self._run("models", self.forwards.close)
        self._run("losses", self.losses.finish)
        self._run("readings", self._drain)

    def _drain(self) -> None:
        self.now.readings.drain(wait=True)

    def weights_changed(self) -> bool | None:
        """Return whether parameters of optimizers changed since the first backward pass."""
        pairs = [(parameter(), old) for parameter, old in self._weights]
        live = [(local(new.detach()).cpu(), old) for new, old in pairs if new is not None]
        return any(not torch.equal(new, old) for new, old in live) if live else None

    def idle_optimizers(self) -> list[Optimizer]:
        """Return those that never stepped, though what they alone hold got gradients."""
        live = [one for one in (entry() for entry in self._optimizers) if one is not None]
        stepped = {
            id(one) for s in self.updates.seen.values() if (one := s.optimizer()) is not None
        }
        held = {
            id(p)
            for one in live
            if id(one) in stepped
            for group in one.param_groups
            for p in group["params"]
        }
        return [one for one in live if id(one) not in stepped and _is_owed_a_step(one, held)]

    def _remember(self, optimizer: Optimizer) -> None:
        held = [p for group in optimizer.param_groups for p in group["params"]]
        small = sorted((p for p in held if p.requires_grad), key=lambda p: p.numel())
        for parameter in small[:_REMEMBERED]:
            if 0 < parameter.numel() <= _MOST_REMEMBERED:
                self._weights.append(
                    (weakref.ref(parameter), local(parameter.detach()).cpu().clone())
                )

    # --- the hooks --------------------------------------------------------------------------------

    def _wrap(
        self,
        owner: Any,
        name: str,
        before: Callable[..., Any] | None,
        after: Callable[..., Any] | None,
        told: Callable[..., None] | None = None,
        skips: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        """Call `before` and `after` guarded, and `told` as it is, unless `skips(args, kwargs)`."""
        original = vars(owner).get(name)
        if original is None:
            return
        run = self._run

        def is_idle(args: Any, kwargs: Any) -> bool:
            # after the end a module of the user's may have kept our wrapper
            if idle(args, kwargs) or not self.is_on:
                return True
            return skips is not None and skips(args, kwargs)

        def first(args: Any, kwargs: Any) -> Any:
            return run(name, before, args, kwargs) if before is not None else None

        def last(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            if after is not None:
                run(name, after, token, args, kwargs, result)
            if told is not None:
                told(token, args, kwargs, result)

        put(self._stack, owner, name, wrapped(original, first, last, is_idle))

    def _install_steps(self) -> None:
        run, now = self._run, self.now

        def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if idle(args, kwargs):
                return
            if now.asleep:
                if self.updates.nap(optimizer):
                    return
                now.wake()
            run("steps", self.updates.before, optimizer, args, kwargs)
            run("modes", self._note_settings)
            if now.nonfinite_loss:
                self._tell()

        def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if idle(args, kwargs):
                return
            if now.asleep:
                now.step += 1
                now.nap()
                self._tell()
            else:
                ended = run("steps", self.updates.after, optimizer, args, kwargs)
                if ended:
                    run("schedule", self._next_step, optimizer)
                    self._tell()

        self._stack.callback(register_optimizer_step_pre_hook(before).remove)
        self._stack.callback(register_optimizer_step_post_hook(after).remove)

    def _tell(self) -> None:
        if self._on_step is not None and self.now.guard.is_active:
            self._on_step(self)

    def _note_settings(self) -> None:
        self.forwards.note_modes()
        if self.now.close:
            self.settings.note(
                self.now.step, self.forwards.models, self.updates.seen, self.now.lines.of
            )

    def _next_step(self, optimizer: Optimizer) -> None:
        now = self.now
        now.step += 1
        if self.replicas is not None:
            self.replicas.stepped(now.step, optimizer)
        if now.close:
            self.forwards.close()
        now.next(max(len(self.updates.seen), 1))
        if now.nonfinite_loss and self.forwards.nonfinite is None and now.step < _MOST_SEARCHED:
            now.close = now.close or now.schedule.has_time()
        if now.close:
            self.forwards.open()

    def _install_backward(self) -> None:
        def before(args: Any, kwargs: Any) -> None:
            if not self.now.step and not self.now.backwards:
                for optimizer in (entry() for entry in self._optimizers):
                    if optimizer is not None:
                        self._remember(optimizer)
            was_finite = not self.now.nonfinite_loss
            self.losses.before_backward(args[0] if args else kwargs.get("tensors"))
            if was_finite and self.now.nonfinite_loss:  # what comes of it is worth a close look
                self.now.look_closely(max(len(self.updates.seen), 1))
            self.updates.before_backward()
            self.loading.trained()

        def zeroed(args: Any, kwargs: Any) -> None:
            self.zeroings += 1

        self._wrap(
            Optimizer, "zero_grad", zeroed, None, skips=lambda args, kwargs: self.now.step > 0
        )

        def told(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            now = self.now
            if now.step or now.backwards < _WITHOUT_STEPS:
                return
            if now.backwards == _WITHOUT_STEPS:
                self._run("models", self.forwards.close)
                now.close = False
            else:
                self._run("schedule", now.next_pass)
                self._tell()

        def skips(args: Any, kwargs: Any) -> bool:
            now = self.now
            if not now.asleep or not args or not self.losses.nap(args[0]):
                return False
            if not now.step:
                now.nap()
            return True

        self._wrap(torch.autograd, "backward", before, None, told, skips)

    def _install_losses(self) -> None:
        def skips(args: Any, kwargs: Any) -> bool:
            return self.now.asleep and torch.is_grad_enabled()

        for name in sorted(LOSSES):

            def after(
                token: Any, args: Any, kwargs: Any, result: Any, *, function: str = name
            ) -> None:
                if torch.is_grad_enabled():
                    given = self.forwards.take_given
                    self.losses.after_loss(function, args, kwargs, result, given)
                elif self.loading.evaluated(training_mode=self._trains()):
                    self.losses.evaluated(result)

            self._wrap(F, name, None, after, skips=skips)

    def _trains(self) -> bool:
        """Return whether the one model that learns is in training mode, and that matters."""
        live = [m for m in self.forwards.models.values() if m.parameters]
        module = live[0].module() if len(live) == 1 else None
        return module is not None and live[0].matters and module.training

    def _install_loading(self) -> None:
        def opened(args: Any, kwargs: Any) -> None:
            self.loading.opened(args[0], args[1] if len(args) > 1 else kwargs.get("loader"))

        def took(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            self.loading.took(args[0], result)

        self._wrap(_BaseDataLoaderIter, "__init__", opened, None)

        def skips(args: Any, kwargs: Any) -> bool:
            if self.now.asleep:
                self.loading.nap(args[0])
            return self.now.asleep

        self._wrap(_BaseDataLoaderIter, "__next__", None, took, skips=skips)

    def _install_scaler(self) -> None:
        updates, losses = self.updates, self.losses

        def scaled(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            updates.is_scaled = bool(args[0].is_enabled())
            losses.scaled(args[1] if len(args) > 1 else kwargs.get("outputs"), result)

        def before(args: Any, kwargs: Any) -> int:
            return self.now.step

        def unscaled(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            updates.is_scaled = False

        def after(token: int, args: Any, kwargs: Any, result: Any) -> None:
            updates.is_scaled = False
            if args[0].is_enabled():
                updates.attempts += 1
                updates.skipped += self.now.step == token

        self._wrap(torch.amp.GradScaler, "scale", None, scaled)
        self._wrap(torch.amp.GradScaler, "unscale_", None, unscaled)
        self._wrap(torch.amp.GradScaler, "step", before, after)

        def clipped(token: Any, args: Any, kwargs: Any, result: Any) -> None:
            bound = args[1] if len(args) > 1 else kwargs.get("max_norm")
            updates.clipped(result, bound)

        for owner in (torch.nn.utils, clip_grad):
            self._wrap(owner, "clip_grad_norm_", None, clipped)

    def _install_compile(self) -> None:
        def before(args: Any, kwargs: Any) -> None:
            self.now.compiled = True
            self.forwards.close()
            given = args[0] if args else kwargs.get("model")
            if isinstance(given, nn.Module):  # its calls are not followed any more
                self.forwards.compiled(given)

        self._wrap(torch, "compile", before, None)
        self._wrap(nn.Module, "compile", before, None)

    def _constructed(self, args: Any, kwargs: Any) -> None:
        part = args[0]
        self.now.lines.built(part)
        if self.replicas is not None and isinstance(part, nn.Module):
            self.replicas.built(part)
        if isinstance(part, Optimizer):
            self.updates.built += 1
            if len(self._optimizers) < _MOST_OPTIMIZERS:
                self._optimizers.append(weakref.ref(part))
            self.now.lines.note("optimizer")
        elif isinstance(part, LRScheduler):
            self.scheduler = self.now.lines.of(part) or self.scheduler

    def _filled(self, token: Any, args: Any, kwargs: Any, result: Any) -> None:
        if self.now.step >= _LEAST_OF_A_FIT and self.updates.begins(args[0]):
            self.losses.begin()


def _is_owed_a_step(optimizer: Optimizer, held: set[int]) -> bool:
    own = [p for group in optimizer.param_groups for p in group["params"]]
    return bool(own) and all(p.grad is not None and id(p) not in held for p in own)
