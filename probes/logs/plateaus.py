"""Levels at which a cross-entropy stops for a known reason."""

from __future__ import annotations

import math
from typing import Final

_TOLERANCE: Final = 0.02  # runmedic: the end within 2 % of ln k
_STRICT: Final = 0.005
_MOST_CLASSES: Final = 1000


def chance_level(loss: float, accuracy: float | None, classes: int | None) -> int | None:
    """Return the number of classes k for which `loss` is that of guessing, ln k; None if none is.

    The logarithms of all integers lie so close together that any loss is near one of them. Without
    the number of classes or an accuracy near 1/k to confirm it, only few classes and a close match
    count.
    """
    if classes is not None:
        return classes if _near(loss, math.log(classes), _TOLERANCE) else None
    if not 0 < loss < math.log(_MOST_CLASSES):
        return None
    nearest = round(math.exp(loss))
    if accuracy is not None:
        if nearest < 2 or not 0.5 / nearest <= accuracy <= 1.5 / nearest:
            return None
        return nearest if _near(loss, math.log(nearest), _TOLERANCE) else None
    return nearest if 2 <= nearest <= 10 and _near(loss, math.log(nearest), _STRICT) else None


def softmax_floor(loss: float, accuracy: float, classes: int | None) -> int | None:
    """Return the k for which `loss` is that of a softmax applied twice; None if none is.

    A network that is sure of itself and right in a share a of the cases then has the loss
    ln(e + k - 1) - a, which no sound network of that accuracy has: certain or not, its loss is at
    most that of the most even distribution with this accuracy.
    """
    if not 0.7 <= accuracy <= 1.0 or not loss > 0.3:
        return None
    for k in [classes] if classes is not None else range(2, 21):
        level = math.log(math.e + k - 1) - accuracy
        if abs(loss - level) <= 0.02 and loss > 1.4 * _most_even(accuracy, k):
            return k
    return None


def _most_even(accuracy: float, classes: int) -> float:
    wrong = 1 - accuracy
    even = -accuracy * math.log(accuracy)
    return even - wrong * math.log(wrong / (classes - 1)) if wrong > 0 else even


def _near(value: float, level: float, tolerance: float) -> bool:
    return abs(value - level) <= tolerance * level
