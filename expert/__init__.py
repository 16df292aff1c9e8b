"""The reasoning of torchmedic: observations and YAML knowledge in, a ranked diagnosis out.

    from expert import Observation, diagnose, load_knowledge

    diagnosis = diagnose([Observation("loss.initial", 23.0)], load_knowledge())

Importing this package imports neither torch nor textual; names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis, Evidence, Finding, Inquiry
    from expert.errors import TorchmedicError, UsageError, UserCodeError
    from expert.inference.diagnose import diagnose
    from expert.knowledge.loader import Knowledge, built_in_knowledge, load_knowledge
    from expert.knowledge.reader import KnowledgeError
    from expert.language import Language, Text
    from expert.observation import Observation

_HOMES = {
    "Diagnosis": "expert.diagnosis",
    "Evidence": "expert.diagnosis",
    "Finding": "expert.diagnosis",
    "Inquiry": "expert.diagnosis",
    "Knowledge": "expert.knowledge.loader",
    "KnowledgeError": "expert.knowledge.reader",
    "Language": "expert.language",
    "Observation": "expert.observation",
    "Text": "expert.language",
    "TorchmedicError": "expert.errors",
    "UsageError": "expert.errors",
    "UserCodeError": "expert.errors",
    "built_in_knowledge": "expert.knowledge.loader",
    "diagnose": "expert.inference.diagnose",
    "load_knowledge": "expert.knowledge.loader",
}

__all__ = [
    "Diagnosis",
    "Evidence",
    "Finding",
    "Inquiry",
    "Knowledge",
    "KnowledgeError",
    "Language",
    "Observation",
    "Text",
    "TorchmedicError",
    "UsageError",
    "UserCodeError",
    "built_in_knowledge",
    "diagnose",
    "load_knowledge",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'expert' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
