"""A finding names the lines of the user's code that it is about."""

from __future__ import annotations

from expert import Evidence, Observation, Text
from expert.diagnosis import Location
from expert.inference.locations import locations

LAYERS = ("net", "net.0", "net.1", "head")
FACTS = {
    "place.optimizer": Observation("place.optimizer", "train.py:30"),
    "place.layer": Observation(
        "place.layer", ("net.py:5", "net.py:6", "net.py:7", "net.py:9"), LAYERS
    ),
}


def evidence(certainty: float, *where: str) -> Evidence:
    seen = Observation("weight.constant", tuple(True for _ in where), where)
    return Evidence("bad-init/constant", certainty, Text(en="x", zh="x"), (seen,))


def test_a_single_place_is_given_as_it_is() -> None:
    assert locations(["place.optimizer"], FACTS, []) == (Location("train.py", 30),)


def test_of_the_layers_only_those_the_evidence_names_are_given() -> None:
    found = locations(["place.layer"], FACTS, [evidence(0.9, "net.1", "head")])
    assert found == (Location("net.py", 7), Location("net.py", 9))


def test_a_parameter_or_an_operation_is_found_at_its_innermost_layer() -> None:
    found = locations(["place.layer"], FACTS, [evidence(0.9, "net.1.weight", "net.0:relu")])
    assert found == (Location("net.py", 7), Location("net.py", 6))


def test_a_name_that_only_begins_like_a_layer_is_not_in_it() -> None:
    assert locations(["place.layer"], FACTS, [evidence(0.9, "net.10.weight")]) == (
        Location("net.py", 5),
    )


def test_evidence_against_points_nowhere() -> None:
    assert locations(["place.layer"], FACTS, [evidence(-0.9, "head")]) == ()


def test_places_that_nobody_saw_are_left_out_and_windows_paths_survive() -> None:
    facts = {"place.loss": Observation("place.loss", r"C:\work\train.py:12")}
    assert locations(["place.model", "place.loss"], facts, []) == (
        Location(r"C:\work\train.py", 12),
    )
