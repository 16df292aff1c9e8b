"""Lightning: watch `fit`, print the diagnosis at its end.

from torchmedic import LightningCallback

trainer = Trainer(callbacks=[LightningCallback()])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:  # the older package of the same authors
    from pytorch_lightning.callbacks import Callback

from torchmedic import watch

if TYPE_CHECKING:
    from torchmedic import Diagnosis, Watch


class LightningCallback(Callback):
    """Watches every `fit` of a Trainer. Takes what `torchmedic.watch` takes.

    With `stop_on_finding=True` the Trainer is asked to stop, so that checkpoints and loggers are
    closed as usual. `watching` is the watch of the latest fit.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.watching: Watch | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begin to watch."""
        if stage == "fit":
            self.watching = watch(**self._options | {"raises": False}).start()

    def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
        """Ask the Trainer to stop where the watch has seen reason to."""
        if self.watching is not None and self.watching.stopped is not None:
            trainer.should_stop = True

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """End, and print the diagnosis; Lightning calls this after exceptions, too."""
        if stage == "fit" and self.watching is not None:
            self.watching.stop()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Give the diagnosis so far."""
        if self.watching is not None:
            self.watching.stop()

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the latest fit."""
        return self.watching.diagnosis if self.watching is not None else None
