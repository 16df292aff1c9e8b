"""Probe of the user's code: the lines in which the parts of the case are built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from expert.language import Text
from expert.observation import Observation
from probes.case.construction import places_of_layers
from probes.probe import Probe

if TYPE_CHECKING:
    from probes.running.examination import Examination

_FACTS: Final = {
    "model": "place.model",
    "loss_fn": "place.loss",
    "optimizer": "place.optimizer",
    "train_loader": "place.train_loader",
    "val_loader": "place.val_loader",
}


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `place.*`, each "FILE:LINE", for what was built while the case was loaded."""
    places = exam.case.places
    for part, fact in _FACTS.items():
        if part in places:
            yield exam.observe(fact, places[part])
    layers = places_of_layers(places)
    if layers:
        yield exam.observe("place.layer", tuple(layers.values()), tuple(layers))


PROBE = Probe(
    id="places",
    title=Text(en="Where your code builds what", zh="代码中各部分的构建位置"),
    needs=(),
    provides=(*_FACTS.values(), "place.layer"),
    cost=0,
    measure=measure,
)
