"""What ids are called: of causes and symptoms, and of the documents that knowledge cites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expert.language import Text


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles by id; those of sources with their address, where they have one."""

    conclusions: Mapping[str, Text]
    sources: Mapping[str, tuple[str, str | None]]  # (title, address)
