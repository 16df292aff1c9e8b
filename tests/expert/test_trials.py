"""What trials say in a diagnosis: evidence for and against, and the order of the fixes."""

from __future__ import annotations

import pytest

from expert import Observation, diagnose, load_knowledge
from expert.diagnosis import Diagnosis, Finding, TrialOutcome
from expert.inference.trials import FAILED, HELPED, HELPED_LESS
from expert.tried import Tried

KNOWLEDGE = load_knowledge()
SLOW = [
    Observation("learning_rate.over_suggested", 1e-4),
    Observation("sweep.suggested_rate", 1e-2),
    Observation("sweep.best_loss_drop", 0.6),
    Observation("optimizer.learning_rate", 1e-6),
    Observation("run.relative_drop", 0.0),
    Observation("run.drop_over_best", 0.0),
]


def result(id_: str, *, improved: bool = True, gain: float = 0.5, **more: object) -> dict:
    numbers = {"steps": 200, "measure": "loss", "before": 2.3, "after": 0.4, "baseline": 2.31}
    state = {"tried": True, "improved": improved, "cured": improved, "gain": gain, "score": gain}
    return {"id": id_, **numbers, **state, "reason": None, "also": [], **more}


def after(*results: dict, facts: list[Observation] = SLOW) -> Diagnosis:
    tried = Tried({entry["id"]: entry for entry in results})
    return diagnose([*facts, *tried.observations], KNOWLEDGE)


def finding(diagnosis: Diagnosis, cause: str) -> Finding:
    both = (*diagnosis.findings, *diagnosis.suspects)
    return next(entry for entry in both if entry.cause == cause)


def said(diagnosis: Diagnosis, cause: str) -> list[float]:
    ruled = [entry for entry in diagnosis.ruled_out if entry.cause == cause]
    known = ruled or [finding(diagnosis, cause)]
    return [piece.certainty for piece in known[0].evidence if "/trial-" in piece.rule]


def test_a_fix_that_helped_speaks_for_its_cause_and_tells_its_numbers() -> None:
    found = finding(after(result("suggested-rate")), "learning-rate-too-low")
    piece = next(piece for piece in found.evidence if "/trial-" in piece.rule)
    assert piece.certainty == HELPED
    assert "2.3 -> 0.4 after 200 steps; without: 2.31" in piece.reason.en
    assert "suggested-rate" in piece.reason.zh
    assert found.fixes[0].tried == TrialOutcome(
        "suggested-rate", 200, "loss", 2.3, 0.4, 2.31, improved=True, cured=True
    )


def test_fixes_tried_in_vain_speak_against_and_sink() -> None:
    plain = finding(diagnose(SLOW, KNOWLEDGE), "learning-rate-too-low")
    diagnosis = after(result("suggested-rate", improved=False, gain=0.0))
    failed = finding(diagnosis, "learning-rate-too-low")
    assert failed.certainty < plain.certainty
    assert said(diagnosis, "learning-rate-too-low") == [FAILED]
    assert plain.fixes[0].trial == "suggested-rate"
    assert failed.fixes[-1].trial == "suggested-rate"


def test_one_fix_that_helped_outweighs_those_that_did_not() -> None:
    facts = [*SLOW, Observation("optimizer.kind", "SGD")]  # for which Adam is a fix as well
    results = result("suggested-rate", improved=False, gain=0.0), result("adam")
    diagnosis = after(*results, facts=facts)
    assert said(diagnosis, "learning-rate-too-low") == [HELPED]
    trials = [fix.trial for fix in finding(diagnosis, "learning-rate-too-low").fixes]
    assert trials[0] == "adam"
    assert trials[-1] == "suggested-rate"


def test_what_helped_far_less_than_another_says_less() -> None:
    diagnosis = after(result("suggested-rate", gain=0.2), result("shuffled", gain=0.9))
    assert said(diagnosis, "learning-rate-too-low") == [HELPED_LESS]


def test_a_trial_that_was_refused_says_nothing() -> None:
    refused = result("suggested-rate", improved=False, gain=0.0, tried=False)
    assert after(refused).findings == diagnose(SLOW, KNOWLEDGE).findings


def test_the_order_of_the_trials_does_not_matter() -> None:
    one, other = result("suggested-rate", gain=0.2), result("shuffled", gain=0.9)
    forwards, backwards = after(one, other), after(other, one)
    assert [(f.cause, f.certainty) for f in forwards.findings] == [
        (f.cause, f.certainty) for f in backwards.findings
    ]


@pytest.mark.parametrize("cause", [c for c in KNOWLEDGE.causes.values() if c.fixes])
def test_every_trial_that_a_fix_names_exists(cause: object) -> None:
    registry = pytest.importorskip("probes.trials.registry")
    named = {fix.trial for fix in cause.fixes if fix.trial}  # type: ignore[attr-defined]
    assert named <= set(registry.TRIALS)
