"""The value of a fact or conclusion as conditions see it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from expert.observation import Observation, Scalar


class Reading:
    """An observation ready for conditions; compared by identity, so experta never merges two."""

    __slots__ = ("_array", "observation")

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self._array: NDArray[Any] | None = None

    @property
    def scalar(self) -> Scalar | None:
        """The value, or None when there is one per layer (feature, ...)."""
        value = self.observation.value
        return None if isinstance(value, tuple) else value

    @property
    def array(self) -> NDArray[Any]:
        """The values as an array with one entry per name in `where`."""
        if self._array is None:
            value = self.observation.value
            values = value if isinstance(value, tuple) else (value,)
            kinds = {type(item) for item in values}
            numbers = kinds <= {int, float} or kinds == {bool}
            # Mixed values stay what they are: numpy would make a number of True, a text of 3.
            self._array = np.array(values, dtype=None if numbers else object)
        return self._array


class Conclusion:
    """What was inferred about a symptom or cause; compared by identity."""

    __slots__ = ("certainty", "name")

    def __init__(self, name: str, certainty: float) -> None:
        self.name = name
        self.certainty = certainty
