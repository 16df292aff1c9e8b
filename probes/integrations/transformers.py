"""Transformers: watch `Trainer.train`, print the diagnosis at its end.

from torchmedic import TransformersCallback

trainer = Trainer(..., callbacks=[TransformersCallback()])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from torchmedic import watch

if TYPE_CHECKING:
    from torchmedic import Diagnosis, Watch


class TransformersCallback(TrainerCallback):
    """Watches every `train()` of a Trainer. Takes what `torchmedic.watch` takes.

    With `stop_on_finding=True` the Trainer is asked to stop after the step. `watching` is the
    watch of the latest training.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.watching: Watch | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to watch; what an interrupted training has left active ends first."""
        if self.watching is not None:
            self.watching.stop()
        self.watching = watch(**self._options | {"raises": False}).start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask the Trainer to stop where the watch has seen reason to."""
        if self.watching is not None and self.watching.stopped is not None:
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End, and print the diagnosis."""
        if self.watching is not None:
            self.watching.stop()

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the latest training, so far if an exception has ended it."""
        return self.watching.diagnosis if self.watching is not None else None
