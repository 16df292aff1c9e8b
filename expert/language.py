"""Text in the two languages of our readers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One piece of text in English and Chinese."""

    en: str
    zh: str

    def get(self, language: Language) -> str:
        """Return the text in `language`."""
        return self.zh if language == "zh" else self.en

    def to_json(self) -> dict[str, str]:
        """Return the text as a JSON object with one key per language."""
        return {"en": self.en, "zh": self.zh}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Self:
        """Read what `to_json` wrote."""
        return cls(en=data["en"], zh=data["zh"])


def preferred_language() -> Language:
    """Return the language of the user's locale, English when it is neither of ours."""
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)),
        "",
    )
    return "zh" if locale.lower().startswith("zh") else "en"
