"""What every message to the user must be: one sentence, in both languages."""

from __future__ import annotations

import re

from expert.errors import TorchmedicError


def said(error: TorchmedicError) -> str:
    """Return the English sentence after checking its form and its translation."""
    english, chinese = error.text.en, error.text.zh
    assert "\n" not in english
    assert english.endswith((".", "?")), english
    assert re.search(r"[一-鿿]", chinese), chinese
    assert chinese.endswith(("。", "？")), chinese
    return english
