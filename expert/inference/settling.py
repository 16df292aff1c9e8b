"""Which fixes are worth a trial: those whose outcome would settle what is not settled yet.

A trial costs hundreds of training steps and is weak evidence beside a measurement, so it is not for
a fault that is certain, nor for what is hardly suspected. It is for the first finding while that is
of middling certainty, and for findings that stand close to a rival which the trial would not heal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from expert.diagnosis import Diagnosis, Finding

SETTLED: Final = 0.8  # certainty of a finding that needs no trial
CLOSE: Final = 0.2  # of certainty between rivals
FIRST: Final = 3  # findings that are looked at
TRIALS_EACH: Final = 2  # of one finding


def worth_trying(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the trials that would settle the diagnosis, those of the first finding first."""
    found: dict[str, None] = {}
    for position, finding in enumerate(diagnosis.findings[:FIRST]):
        if finding.certainty >= SETTLED:
            continue
        rivals = list(_rivals(finding, diagnosis))
        for trial in _trials(finding):
            if position == 0 or any(trial not in _all_trials(rival) for rival in rivals):
                found.setdefault(trial)
    return tuple(found)


def _rivals(finding: Finding, diagnosis: Diagnosis) -> Iterator[Finding]:
    """Yield what else may be the fault: neither its cause nor its consequence, and as certain."""
    linked = {finding.cause, *finding.because_of, *finding.leads_to}
    for other in (*diagnosis.findings[:FIRST], *diagnosis.suspects[:FIRST]):
        close = abs(other.certainty - finding.certainty) <= CLOSE
        if close and other.cause not in linked:
            yield other


def _trials(finding: Finding) -> tuple[str, ...]:
    """Return the first trials of its fixes; none once one of them was seen to help."""
    if any(fix.tried is not None and fix.tried.improved for fix in finding.fixes):
        return ()
    first = _all_trials(finding)[:TRIALS_EACH]
    made = {fix.trial for fix in finding.fixes if fix.tried is not None}
    return tuple(trial for trial in first if trial not in made)


def _all_trials(finding: Finding) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fix.trial for fix in finding.fixes if fix.trial))
