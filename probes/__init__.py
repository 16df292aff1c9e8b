"""The measuring: probes look at a case (model, loss, optimizer, loaders) and give observations.

    from probes import Case, run_probes

    observations = run_probes(Case(model=model, loss_fn=loss_fn, train_loader=loader))

Names are loaded when first used, so that the list of demo patients needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.case.case import Case
    from probes.case.case_file import load_case
    from probes.probe import Probe
    from probes.running.examination import Examination
    from probes.running.run import run_probes

__all__ = ["Case", "Examination", "Probe", "load_case", "run_probes"]

_HOMES = {
    "Case": "probes.case.case",
    "Examination": "probes.running.examination",
    "Probe": "probes.probe",
    "load_case": "probes.case.case_file",
    "run_probes": "probes.running.run",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'probes' has no attribute '{name}'")
    return getattr(import_module(home), name)
