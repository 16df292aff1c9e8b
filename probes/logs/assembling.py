"""From the records of logs to the series of one run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from probes.logs.names import Meaning, meaning_of
from probes.logs.series import Record, Role, Series
from probes.logs.thinning import ThinnedCurve

_MOST_CURVES: Final = 2000  # what a log with thousands of scalars may cost in memory


@dataclass(frozen=True, slots=True)
class Chosen:
    """The names that a person gave to the curves, where guessing is not enough."""

    train_loss: str | None = None
    val_loss: str | None = None


@dataclass(slots=True)
class Assembly:
    """The curves of a run while its logs are read."""

    chosen: Chosen = Chosen()
    curves: dict[str, ThinnedCurve] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)  # all names seen, in order

    def take(self, records: Iterable[Record], source: str, phase: str = "") -> None:
        """Read all records of one source; `phase` ("train", "val") is what its folder says."""
        for record in records:
            step = epoch = math.nan
            rest: list[tuple[str, float]] = []
            for name, value in record.items():
                kind = meaning_of(name).kind
                if kind == "step":
                    step = value if math.isnan(step) else step
                elif kind == "epoch":
                    epoch = value
                else:
                    rest.append((name, value))
            for name, value in rest:
                full = f"{phase}/{name}" if phase and not meaning_of(name).phase else name
                if self._is_wanted(full):
                    self._curve(full, source).add(step, epoch, value)

    def _is_wanted(self, name: str) -> bool:
        if len(self.names) < _MOST_CURVES:
            self.names[name] = None
        return meaning_of(name).kind == "quantity" or name in self._by_hand()

    def _by_hand(self) -> tuple[str | None, str | None]:
        return self.chosen.train_loss, self.chosen.val_loss

    def _curve(self, name: str, source: str) -> ThinnedCurve:
        curve = self.curves.get(name)
        if curve is None:
            curve = self.curves[name] = ThinnedCurve(name, source)
        return curve

    def series(self) -> list[Series]:
        """Return the main series of each role; whatever else there is has the role `other`."""
        main = {curve.name: role for role in _ROLES if (curve := self._main(role))}
        return [c.series(main.get(c.name, "other")) for c in self.curves.values() if c.count]

    def rivals(self, role: Role) -> list[str]:
        """Return the names of partial losses among which nobody can choose for the user."""
        return [c.name for c in self.curves.values() if self._meaning(c.name).role == role]

    def _main(self, role: Role) -> ThinnedCurve | None:
        candidates = [c for c in self.curves.values() if self._meaning(c.name).role == role]
        if role == "val_loss" or role == "val_accuracy":  # the test set only if there is no other
            candidates = [
                c for c in candidates if self._meaning(c.name).phase != "test"
            ] or candidates
        if not candidates:
            return None
        lowest = min(self._meaning(c.name).rank for c in candidates)
        best = [c for c in candidates if self._meaning(c.name).rank == lowest]
        if lowest > 0 and len(best) > 1 and role.endswith("loss"):
            return None  # several partial losses (two networks, two heads) and no total
        return max(best, key=lambda curve: curve.count)

    def _meaning(self, name: str) -> Meaning:
        if name == self.chosen.train_loss:
            return Meaning("quantity", "train_loss", "train", -1)
        if name == self.chosen.val_loss:
            return Meaning("quantity", "val_loss", "val", -1)
        return meaning_of(name)


_ROLES: Final[tuple[Role, ...]] = (
    "train_loss",
    "val_loss",
    "train_accuracy",
    "val_accuracy",
    "learning_rate",
    "grad_norm",
)
