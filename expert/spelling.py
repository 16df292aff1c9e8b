"""The name that somebody probably meant to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from expert.language import Text

_ALIKE = 0.6  # of `difflib`'s ratio: two letters swapped or left out pass, another word does not


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that is spelt most like `wrong`; None when none is near."""
    by_spelling = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(wrong.casefold(), by_spelling, n=1, cutoff=_ALIKE)
    return by_spelling[close[0]] if close else None


def did_you_mean(wrong: str, known: Iterable[str]) -> Text | None:
    """Return "did you mean 'x'?" when one of `known` is spelt nearly like `wrong`."""
    near = nearest(wrong, known)
    if near is None:
        return None
    return Text(en=f"did you mean '{near}'?", zh=f"您是否想写“{near}”？")
