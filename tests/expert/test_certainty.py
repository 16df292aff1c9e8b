"""Certainty factors: MYCIN's arithmetic, whatever the order of the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.certainty import combine

certainties = st.floats(-1.0, 1.0)
evidence = st.lists(certainties, max_size=8)


@pytest.mark.parametrize(
    ("pieces", "joint"),
    [
        ([], 0.0),
        ([0.7], 0.7),
        ([-0.7], -0.7),
        ([0.8, 0.5], 0.9),  # 0.8 + 0.5 - 0.8 * 0.5
        ([-0.4, -0.5], -0.7),  # -(0.4 + 0.5 - 0.2)
        ([0.6, -0.3], 3 / 7),  # (0.6 - 0.3) / (1 - 0.3)
        ([0.4, 0.3, -0.5], 0.16),  # belief 0.58; (0.58 - 0.5) / (1 - 0.5)
        ([0.5, 0.5, 0.5], 0.875),
        ([1.0, -0.9], 1.0),  # proof outweighs any doubt short of refutation
        ([1.0, -1.0], 0.0),
        ([0.0, 0.3], 0.3),
    ],
)
def test_agrees_with_values_computed_by_hand(pieces: list[float], joint: float) -> None:
    assert combine(pieces) == pytest.approx(joint, abs=1e-12)


@pytest.mark.parametrize("hundredths", range(101))
def test_one_piece_of_evidence_is_exactly_as_certain_as_it_says(hundredths: int) -> None:
    assert combine([hundredths / 100]) == hundredths / 100


@given(evidence, st.randoms(use_true_random=False))
def test_order_of_evidence_changes_not_one_bit(pieces: list[float], random: object) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(shuffled) == combine(pieces)


@given(evidence)
def test_stays_between_minus_one_and_one(pieces: list[float]) -> None:
    assert -1.0 <= combine(pieces) <= 1.0


@given(st.lists(st.floats(-0.99, 0.99), max_size=6), st.floats(0.0, 0.99))
def test_evidence_for_never_lowers_and_against_never_raises(
    pieces: list[float], strength: float
) -> None:
    assert combine([*pieces, strength]) >= combine(pieces) - 1e-9
    assert combine([*pieces, -strength]) <= combine(pieces) + 1e-9


@given(evidence)
def test_turning_all_evidence_round_turns_the_result_round(pieces: list[float]) -> None:
    assert combine([-piece for piece in pieces]) == -combine(pieces)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_agreeing_evidence_is_at_least_as_certain_as_the_strongest(pieces: list[float]) -> None:
    assert combine(pieces) >= max(pieces) - 1e-12
