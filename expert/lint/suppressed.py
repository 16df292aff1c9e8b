"""Remarks that the author has looked at and silenced: `# lint: CODE` at the end of the line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from expert.lint.coded import Remark

_SILENCED = re.compile(r"#\s*lint:\s*([a-z-]+(?:\s*,\s*[a-z-]+)*)\s*$")


def without_suppressed(remarks: Iterable[Remark]) -> list[Remark]:
    """Return the remarks whose line does not name their code in such a comment."""

    @cache
    def lines(path: str) -> list[str]:
        try:
            return Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []

    def silenced(remark: Remark) -> bool:
        at = remark.place.line - 1
        line = lines(remark.place.path)[at : at + 1]
        match = _SILENCED.search(line[0]) if line else None
        return match is not None and remark.code.id in re.split(r"\s*,\s*", match[1])

    return [remark for remark in remarks if not silenced(remark)]
