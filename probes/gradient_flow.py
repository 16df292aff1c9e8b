"""Probe of where gradients end: flat operations, and values taken out of the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.recording.blocking import blocked

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `model.zero_gradient_ops` and `model.graph_cuts`, named by place."""
    if exam.recording.refusal is not None or not exam.recording.ops:
        return
    found = blocked(exam.recording, _untrained(exam))
    for name, places in (("zero_gradient_op", found["flat"]), ("graph_cut", found["cut"])):
        if places:
            yield exam.observe(f"model.{name}s", (True,) * len(places), places)
        yield exam.observe(f"model.{name}_count", len(places))


def _untrained(exam: Examination) -> list[str]:
    """Return the parameters that want a gradient and got none, or nothing but zeros."""
    norms = exam.recording.gradient_norms
    names = [name for name, p in exam.model.named_parameters() if p.requires_grad]
    return [name for name in names if not norms.get(name)]


PROBE = Probe(
    id="gradient_flow",
    title=Text(en="Where gradients end", zh="梯度在哪里中断"),
    needs=(),
    provides=(
        "model.zero_gradient_ops",
        "model.zero_gradient_op_count",
        "model.graph_cuts",
        "model.graph_cut_count",
    ),
    cost=1,
    measure=measure,
)
