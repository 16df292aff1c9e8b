"""Accelerate: a tracker that watches until `end_training`, then prints the diagnosis.

from torchmedic import AccelerateTracker

accelerator = Accelerator(log_with=AccelerateTracker())
accelerator.init_trackers("my run")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accelerate.tracking import GeneralTracker, on_main_process

from torchmedic import watch

if TYPE_CHECKING:
    from torchmedic import Diagnosis, Watch


class AccelerateTracker(GeneralTracker):
    """Watches from its making to `end_training`. Takes what `torchmedic.watch` takes."""

    name = "torchmedic"
    requires_logging_directory = False

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.watching: Watch = watch(**options).start()

    @property
    def tracker(self) -> Watch:
        """The watch."""
        return self.watching

    @on_main_process
    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Do nothing: settings are seen where they act."""

    @on_main_process
    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Do nothing: losses are seen where they go backward."""

    def finish(self) -> None:
        """End, and print the diagnosis."""
        self.watching.stop()

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis, so far or at the end."""
        return self.watching.diagnosis
