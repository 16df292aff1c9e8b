"""Hits, misses and certainties are counted as the clinic says."""

from __future__ import annotations

from typing import Any

import pytest

from .patient import Patient
from .scoring import Row, Scored, brier, by_cause, reliability, summary
from .visit import Said, Visit


def never(seed: int) -> dict[str, Any]:
    raise NotImplementedError


ILL = Patient("base/fault", "a", never, also_accept=("a-too",))
TWICE = Patient("base/faults", "a", never, second=("b", "b-too"))
WELL = Patient("base/healthy", None, never)
SLIP = Patient("base/slip", "preprocessing-fit-on-all-data", never)


def seen(patient: Patient, *said: tuple[str, float], **more: Any) -> Scored:
    told = tuple(Said(cause, certainty) for cause, certainty in said)
    return Scored(patient, Visit(patient.id, 0, told, more.pop("suspected", ()), 1.0, **more))


@pytest.mark.parametrize(
    ("scored", "outcome"),
    [
        (seen(ILL, ("a", 0.9)), "first"),
        (seen(ILL, ("a-too", 0.9), ("a", 0.8)), "first"),
        (seen(ILL, ("x", 0.9), ("y", 0.9), ("a", 0.8)), "in 3"),
        (seen(ILL, ("x", 0.9), ("y", 0.9), ("z", 0.9), ("a", 0.8)), "late"),
        (seen(ILL, ("x", 0.9)), "MISSED"),
        (seen(ILL, suspected=("a",)), "MISSED"),
        (seen(ILL, error="it crashed"), "MISSED"),
        (seen(SLIP, suspected=("preprocessing-fit-on-all-data",)), "suspect"),
        (seen(TWICE, ("a", 0.9), ("x", 0.8), ("b-too", 0.7)), "first"),
        (seen(TWICE, ("x", 0.9), ("b", 0.8), ("a", 0.7)), "in 3"),
        (seen(TWICE, ("b", 0.9)), "half"),
        (seen(TWICE, ("x", 0.9)), "MISSED"),
        (seen(WELL), "silent"),
        (seen(WELL, ("a", 0.6)), "ALARM"),
        (seen(WELL, error="it crashed"), "ALARM"),
    ],
)
def test_outcome(scored: Scored, outcome: str) -> None:
    assert scored.outcome == outcome


def test_a_row_counts_what_is_not_in_the_first_three_as_missed() -> None:
    row = Row.of([seen(ILL, ("a", 1.0)), seen(ILL, ("x", 1.0), ("a", 0.9)), seen(ILL)])
    assert (row.patients, row.first, row.in_three, row.missed) == (3, 1, 2, 1)


def test_reliability_puts_each_finding_into_its_bin() -> None:
    scored = [seen(ILL, ("a", 1.0), ("x", 0.5)), seen(WELL, ("a", 0.9)), seen(ILL, ("a", 0.85))]
    counts = {one.low: (one.said, one.right) for one in reliability(scored)}
    assert counts == {0.5: (1, 0), 0.6: (0, 0), 0.7: (0, 0), 0.8: (1, 1), 0.9: (2, 1)}


def test_a_consequence_of_the_true_cause_is_no_error() -> None:
    told = (Said("a", 0.9), Said("result", 0.8, because_of=("a",)), Said("other", 0.7, ("x",)))
    scored = Scored(ILL, Visit(ILL.id, 0, told, (), 1.0))
    assert [scored.is_right(said) for said in told] == [True, True, False]


def test_brier_score_is_the_mean_squared_distance() -> None:
    assert brier([seen(ILL, ("a", 0.9), ("x", 0.6))]) == pytest.approx((0.01 + 0.36) / 2)
    assert brier([seen(WELL)]) is None


def test_two_faults_stand_apart_from_the_table_of_causes() -> None:
    scored = [seen(ILL, ("a", 0.9)), seen(TWICE, ("a", 0.9)), seen(WELL)]
    assert list(by_cause(scored)) == ["a"]
    counts: Any = summary(scored)
    assert (counts["ill"]["patients"], counts["two_faults"]["missed"], counts["healthy"]) == (
        1,
        1,
        1,
    )
