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
    from expert.inference.explain import Change, Explanation, explain, what_if
    from expert.knowledge.loader import Knowledge, built_in_knowledge, load_knowledge
    from expert.knowledge.reader import KnowledgeError
    from expert.language import Language, Text
    from expert.observation import Observation

_HOMES = {
    "Change": "expert.inference.explain",
    "Diagnosis": "expert.diagnosis",
    "Evidence": "expert.diagnosis",
    "Explanation": "expert.inference.explain",
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
    "explain": "expert.inference.explain",
    "load_knowledge": "expert.knowledge.loader",
    "what_if": "expert.inference.explain",
}

__all__ = [
    "Change",
    "Diagnosis",
    "Evidence",
    "Explanation",
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
    "explain",
    "load_knowledge",
    "what_if",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'expert' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
