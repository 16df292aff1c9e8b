"""torchmedic finds out why a PyTorch network does not train.

    import torchmedic

    with torchmedic.watch() as watching:
        train(model)
    print(watching.diagnosis.findings)

Importing this package does not import torch; names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from expert import Diagnosis, Observation, diagnose, explain, load_knowledge, what_if
    from expert.cli.watch import TrainingStopped, Watch, watch
    from expert.tried import Tried
    from expert.trying import try_fixes
    from probes import Case, run_probes
    from probes.integrations.accelerate import AccelerateTracker
    from probes.integrations.ignite import IgniteHandler
    from probes.integrations.lightning import LightningCallback
    from probes.integrations.transformers import TransformersCallback
    from torchmedic.checking import check

_HOMES = {
    "AccelerateTracker": "probes.integrations.accelerate",
    "Case": "probes",
    "Diagnosis": "expert",
    "IgniteHandler": "probes.integrations.ignite",
    "LightningCallback": "probes.integrations.lightning",
    "Observation": "expert",
    "TrainingStopped": "expert.cli.watch",
    "TransformersCallback": "probes.integrations.transformers",
    "Tried": "expert.tried",
    "Watch": "expert.cli.watch",
    "check": "torchmedic.checking",
    "diagnose": "expert",
    "explain": "expert",
    "load_knowledge": "expert",
    "run_probes": "probes",
    "try_fixes": "expert.trying",
    "watch": "expert.cli.watch",
    "what_if": "expert",
}

__all__ = [
    "AccelerateTracker",
    "Case",
    "Diagnosis",
    "IgniteHandler",
    "LightningCallback",
    "Observation",
    "TrainingStopped",
    "TransformersCallback",
    "Tried",
    "Watch",
    "check",
    "diagnose",
    "explain",
    "load_knowledge",
    "run_probes",
    "try_fixes",
    "watch",
    "what_if",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'torchmedic' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
