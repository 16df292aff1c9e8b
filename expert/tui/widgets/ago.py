"""How long ago something was, as a person says it."""

from __future__ import annotations

from expert.language import Language
from expert.tui.texts import sessions as texts


def ago(seconds: float, language: Language) -> str:
    """Return how long ago something was, as a person says it."""
    for least, unit, text in (
        (86_400.0, 86_400.0, texts.DAYS_AGO),
        (3_600.0, 3_600.0, texts.HOURS_AGO),
        (60.0, 60.0, texts.MINUTES_AGO),
    ):
        if seconds >= least:
            return text.get(language).format(n=int(seconds // unit))
    return texts.JUST_NOW.get(language)
