"""What the app is given to work with: everything that touches files, processes or the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expert.tui.patients import Patient
from expert.tui.sessions.store import SessionStore

if TYPE_CHECKING:
    from expert.tui.examining import Examine, KnowledgeSource, TryFixes
    from expert.tui.watching import Watch


@dataclass(frozen=True, slots=True)
class Services:
    """How knowledge is read, cases are examined, fixes tried, scripts watched, sessions kept.

    `load_knowledge` is called in a thread once the first frame is drawn.
    """

    load_knowledge: Callable[[], KnowledgeSource]
    examine: Examine
    try_fixes: TryFixes | None = None
    watch: Watch | None = None
    patients: Sequence[Patient] = ()
    store: SessionStore = field(default_factory=SessionStore)
    budget: float = 120.0  # seconds for one examination
    min_certainty: float = 0.5
