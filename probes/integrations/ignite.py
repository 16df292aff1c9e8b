"""Ignite: watch a trainer's run, print the diagnosis at its end.

from torchmedic import IgniteHandler

IgniteHandler().attach(trainer)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ignite.engine import Engine, Events

from torchmedic import watch

if TYPE_CHECKING:
    from torchmedic import Diagnosis, Watch


class IgniteHandler:
    """Watches every run of the engines it is attached to. Takes what `torchmedic.watch` takes.

    With `stop_on_finding=True` the engine is terminated. `watching` is the watch of the latest run.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.watching: Watch | None = None

    def attach(self, engine: Engine) -> None:
        """Watch the runs of `engine`, the trainer."""
        engine.add_event_handler(Events.STARTED, self._started)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._stepped)
        for event in (Events.COMPLETED, Events.TERMINATE, Events.INTERRUPT):
            engine.add_event_handler(event, self._ended)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._raised)

    def _started(self, engine: Engine) -> None:
        self.watching = watch(**self._options | {"raises": False}).start()

    def _stepped(self, engine: Engine) -> None:
        if self.watching is not None and self.watching.stopped is not None:
            engine.terminate()

    def _ended(self, engine: Engine) -> None:
        if self.watching is not None:
            self.watching.stop()

    def _raised(self, engine: Engine, error: BaseException) -> None:
        self._ended(engine)
        raise error  # Ignite takes a handled exception for dealt with

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the latest run."""
        return self.watching.diagnosis if self.watching is not None else None
