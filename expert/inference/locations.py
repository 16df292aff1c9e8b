"""Which lines of the user's code a finding is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from expert.diagnosis import Evidence, Location
from expert.observation import Observation

_MOST = 8  # a list of fifty layers points nowhere


def locations(
    locate: Iterable[str], facts: Mapping[str, Observation], evidence: Sequence[Evidence]
) -> tuple[Location, ...]:
    """Return the places that the facts named in `locate` hold, best known first.

    A fact with one place per layer gives those of the layers that the evidence names; a layer in
    which parameter "encoder.0.weight" or operation "encoder.0:relu" lies is "encoder.0".
    """
    found: dict[Location, None] = {}
    for name in locate:
        if name in facts:
            for place in _places(facts[name], evidence):
                found.setdefault(_parsed(place))
    return tuple(found)[:_MOST]


def _places(fact: Observation, evidence: Sequence[Evidence]) -> Iterator[str]:
    if not isinstance(fact.value, tuple):
        yield str(fact.value)
        return
    places = dict(zip(fact.where, map(str, fact.value), strict=True))
    for piece in evidence:
        if piece.certainty > 0:
            for name in (name for seen in piece.facts for name in seen.where):
                layer = _layer_of(name, places)
                if layer is not None:
                    yield places[layer]


def _layer_of(name: str, layers: Iterable[str]) -> str | None:
    inside = [
        layer for layer in layers if name == layer or name.startswith((f"{layer}.", f"{layer}:"))
    ]
    return max(inside, key=len, default=None)


def _parsed(place: str) -> Location:
    file, _, line = place.rpartition(":")
    return Location(file, int(line))
