"""Certainty factors as in MYCIN (Shortliffe and Buchanan 1975; EMYCIN's combination of 1979).

Each piece of evidence speaks for (0, 1] or against [-1, 0). Evidence for and evidence against are
pooled separately, as independent: 1 - prod(1 - c); the two pools are then weighed against each
other. Pooling first makes the result independent of the order in which evidence came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def combine(certainties: Iterable[float]) -> float:
    """Return the joint certainty in [-1, 1] of pieces of evidence; 0.0 for none.

    Evidence that proves and evidence that refutes (1 and -1) leave nothing known: 0.0.
    """
    pieces = sorted(certainties, key=abs)  # one order of multiplication: one result, to the bit
    belief = _pool([c for c in pieces if c > 0])
    disbelief = _pool([-c for c in pieces if c < 0])
    weaker = min(belief, disbelief)
    return 0.0 if weaker == 1.0 else _rounded((belief - disbelief) / (1.0 - weaker))


def _pool(strengths: list[float]) -> float:
    return _rounded(1.0 - math.prod(1.0 - strength for strength in strengths))


def _rounded(certainty: float) -> float:
    """Return what was meant: 1 - (1 - 0.2) is a little less than 0.2, and would fail `>= 0.2`."""
    return round(certainty, 12)
