"""Text in the two languages of our readers."""

from __future__ import annotations

import os
import re
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


_MARKS: Final = "\u3001-\u3011\uff01-\uff1f"  # full-width punctuation
_HAN: Final = "\u4e00-\u9fff"
_STRAY_SPACE: Final = re.compile(f"(?<=[{_MARKS}]) +| +(?=[{_MARKS}])|(?<=[{_HAN}]) +(?=[{_HAN}])")


def without_stray_spaces(chinese: str) -> str:
    """Return a Chinese text without the spaces that YAML puts where its lines were joined."""
    return _STRAY_SPACE.sub("", chinese)


def preferred_language() -> Language:
    """Return the language of the user's locale, English when it is neither of ours."""
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)),
        "",
    )
    return "zh" if locale.lower().startswith("zh") else "en"
