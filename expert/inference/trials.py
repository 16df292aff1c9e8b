"""What trials of the fixes say: for a cause when one of its fixes helped, against it when none did.

Trials come in as observations with one value per trial, so that a diagnosis stays a pure function
of its facts. Every fix that names a `trial:` takes part; nothing else has to be written for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from expert.diagnosis import TrialOutcome
from expert.inference.comparison import Readings
from expert.inference.experta_bridge import Observed, P
from expert.inference.premise import UNKNOWN, Outcome, Premise
from expert.inference.reading import Reading
from expert.knowledge.schema import Cause, Conclusion, Rule
from expert.observation import Observation

EFFECT: Final = "trial.effect"  # how much nearer to perfect than without; 0: no more than noise
_SHOWN: Final = ("measure", "before", "after", "baseline", "steps")
#: Every fact that a round of trials gives; those that no rule reads are told beside the fixes.
FACTS: Final = frozenset({EFFECT, *(f"trial.{n}" for n in (*_SHOWN, "improved", "cured"))})
HELPED: Final = 0.45  # no finding by itself: a treatment can also make up for another fault
HELPED_LESS: Final = 0.3
FAILED: Final = -0.5  # of two faults at once, healing one may show nothing
LESS: Final = 0.5  # of the effect of the most effective trial

_Kind = Literal["helped", "helped-less", "failed"]
_NUMBERS_EN: Final = (
    "{trial.measure} {trial.before} -> {trial.after} after {trial.steps} steps;"
    " without: {trial.baseline}"
)
_NUMBERS_ZH: Final = (
    "{trial.steps} 步后 {trial.measure} {trial.before} → {trial.after}；不做修改为 {trial.baseline}"
)
_REASONS: Final[dict[_Kind, tuple[str, str]]] = {
    "helped": ("A fix for it was tried on a copy and helped", "它的修复已在副本上试过并有效"),
    "helped-less": (
        "A fix for it was tried on a copy and helped, though another helped far more",
        "它的修复已在副本上试过，有帮助，但远不如另一种修复",
    ),
    "failed": (
        "A fix for it was tried on a copy and did not help",
        "它的修复已在副本上试过但没有帮助",
    ),
}
_CERTAINTIES: Final[dict[_Kind, float]] = {
    "helped": HELPED,
    "helped-less": HELPED_LESS,
    "failed": FAILED,
}


def trial_rules(document: Conclusion) -> Iterator[tuple[Rule, Premise]]:
    """Yield the rules that a cause has because its fixes can be tried, with their premises."""
    if not isinstance(document, Cause):
        return
    trials = tuple(dict.fromkeys(fix.trial for fix in document.fixes if fix.trial))
    if trials:
        for kind in _CERTAINTIES:
            yield _rule(kind), TrialPremise(trials, kind)


def _rule(kind: _Kind) -> Rule:
    english, chinese = _REASONS[kind]
    return Rule.model_validate(
        {
            "rule": f"trial-{kind}",
            "when": {"fact": EFFECT, "for": "any", "at_least": 0},
            "certainty": _CERTAINTIES[kind],
            "reason": {
                "en": f"{english} ({{{EFFECT}|where}}): {_NUMBERS_EN}.",
                "zh": f"{chinese}（{{{EFFECT}|where}}）：{_NUMBERS_ZH}。",
            },
        }
    )


@dataclass(frozen=True, slots=True)
class TrialPremise(Premise):
    """The best of a cause's trials had this kind of effect."""

    trials: tuple[str, ...]
    kind: _Kind

    def evaluate(self, readings: Readings) -> Outcome:
        """Return whether it had, with the position of that trial."""
        reading = readings.get(EFFECT)
        best = self._best(reading) if isinstance(reading, Reading) else None
        if best is None:
            return UNKNOWN
        kind, position = best
        names = (EFFECT, *(f"trial.{name}" for name in _SHOWN))
        return Outcome(kind == self.kind, 1.0, (EFFECT,), dict.fromkeys(names, (position,)))

    def pattern(self) -> Any:
        """Return the pattern that is true exactly when `evaluate` is."""
        return Observed(name=EFFECT, reading=P(self._holds))

    def _holds(self, reading: Reading) -> bool:
        best = self._best(reading)
        return best is not None and best[0] == self.kind

    def _best(self, reading: Reading) -> tuple[_Kind, int] | None:
        """Return the kind of effect, and the position of this cause's most effective trial."""
        where = reading.observation.where
        effects = [float(value) for value in reading.array]
        own = [i for i, trial in enumerate(where) if trial in self.trials]
        if not own:
            return None
        position = max(own, key=lambda i: effects[i])
        if effects[position] <= 0:
            return "failed", position
        far = effects[position] < LESS * max(effects)
        return ("helped-less" if far else "helped"), position


def outcomes(facts: Mapping[str, Observation]) -> dict[str, TrialOutcome]:
    """Return what is known of each trial, by its id."""
    effect = facts.get(EFFECT)
    if effect is None:
        return {}
    return {trial: _outcome(facts, trial) for trial in effect.where}


def _outcome(facts: Mapping[str, Observation], trial: str) -> TrialOutcome:
    def value(name: str, default: Any) -> Any:
        seen = facts.get(f"trial.{name}")
        if seen is None or not isinstance(seen.value, tuple) or trial not in seen.where:
            return default
        return seen.value[seen.where.index(trial)]

    return TrialOutcome(
        id=trial,
        steps=int(value("steps", 0)),
        measure=str(value("measure", "loss")),
        before=float(value("before", math.nan)),
        after=float(value("after", math.nan)),
        baseline=float(value("baseline", math.nan)),
        improved=bool(value("improved", False)),
        cured=bool(value("cured", False)),
    )


def proven_first(tried: TrialOutcome | None) -> int:
    """Return the place of a fix: seen to heal, to help, not tried, tried in vain."""
    if tried is None:
        return 2
    return 0 if tried.cured else 1 if tried.improved else 3
