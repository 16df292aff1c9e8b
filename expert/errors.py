"""What can go wrong, told in one sentence: what, where, and what to do.

TorchmedicError
├── UsageError        bad usage or bad input (exit status 2)
│   └── KnowledgeError   knowledge files that cannot be used (expert.knowledge.loader)
└── UserCodeError     the user's own code failed; its traceback is kept (exit status 3)
"""

from __future__ import annotations

from expert.language import Language, Text


class TorchmedicError(Exception):
    """Base of all errors that torchmedic explains to its users."""

    def __init__(self, *, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, zh=zh)

    def say(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.text.get(language)


class UsageError(TorchmedicError):
    """A command, file or value that cannot be used as it was given."""


class UserCodeError(TorchmedicError):
    """The user's own code raised; `traceback` is theirs, without our frames."""

    def __init__(self, *, en: str, zh: str, traceback: str = "") -> None:
        super().__init__(en=en, zh=zh)
        self.traceback = traceback
