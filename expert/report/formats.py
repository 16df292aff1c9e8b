"""The formats a diagnosis can be written in, by the name of their option."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from expert.diagnosis import Diagnosis
from expert.language import Language

_WRITERS: Final = {
    "json": ("expert.report.json_report", "to_json"),
    "html": ("expert.report.html_report", "to_html"),
    "markdown": ("expert.report.markdown_report", "to_markdown"),
    "sarif": ("expert.report.sarif_report", "to_sarif"),
    "junit": ("expert.report.junit_report", "to_junit"),
}

FORMATS: Final = tuple(_WRITERS)


def written(diagnosis: Diagnosis, format_: str, language: Language = "en") -> str:
    """Return the diagnosis in one of `FORMATS`. Raises KeyError for another one."""
    module, name = _WRITERS[format_]  # loaded when used: a report on screen needs none of them
    writer: Callable[[Diagnosis, Language], str] = getattr(import_module(module), name)
    return writer(diagnosis, language)
