"""What is examined: a case, a script, logs, or only what a person has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from expert.language import Language, Text
from expert.tui.texts import sessions as texts

Kind = Literal["case", "demo", "script", "log", "symptoms"]
KINDS: tuple[Kind, ...] = ("case", "demo", "script", "log", "symptoms")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: its place (empty for symptoms alone), and its name if it has one.

    The place of a script is its command line, that of logs their paths, both as a shell writes
    them.
    """

    spec: str
    name: Text | None = None
    kind: Kind = "case"

    def title(self, language: Language) -> str:
        """Return what the screens call it."""
        if self.name is not None:
            return self.name.get(language)
        return self.spec or texts.ONLY_SYMPTOMS.get(language)

    @property
    def can_be_probed(self) -> bool:
        """Whether there is a model to measure and to try fixes on."""
        return self.kind in ("case", "demo")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        name = self.name.to_json() if self.name else None
        return {"spec": self.spec, "name": name, "kind": self.kind}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Subject:
        """Read what `to_json` wrote; raises ValueError for a kind that is not known."""
        if data["kind"] not in KINDS:
            raise ValueError(f"unknown kind of case: {data['kind']}")
        name = Text.from_json(data["name"]) if data.get("name") else None
        return cls(str(data["spec"]), name, data["kind"])
