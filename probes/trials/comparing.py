"""Comparing a treated training with two untreated ones: did it help, by more than noise?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from probes.trials.course import Course
from probes.trials.standing import BROKEN, CURED, Standing
from probes.trials.trial import Trial, TrialResult

MARGIN: Final = 0.05  # of the way from guessing to perfect: less is no difference
LOSS_MARGIN: Final = 0.04  # of the loss at the start: less is no difference either
HALF: Final = 0.5  # of what the better of two runs lacks: getting that is an effect, luck or not
LOSS_SHOWS: Final = 0.9  # of the loss without: what helped is told in losses only below it
NOISES: Final = 2.0  # times the distance between two runs without the treatment


def compare(
    trial: Trial,
    baselines: tuple[Course, Course],
    course: Course,
    rival: Course | None = None,
) -> TrialResult:
    """Return what the treatment changed, against two runs without it.

    `rival`: without it too, but with whatever else the treated run had.
    """
    one, other = (_in_measure_of(course, baseline) for baseline in baselines)
    baselines = one, other
    others = baselines if rival is None else (*baselines, rival)
    on_validation = trial.goal == "validation"
    seen = (_on_validation if on_validation else _on_training)(trial, baselines, others, course)
    score, improved = seen.score, seen.improved
    start = course.validation_before if on_validation else course.before
    end = course.validation if on_validation else course.after
    ends = [b.validation if on_validation else b.after for b in baselines]
    soared = trial.same_loss and end.loss > max(start.loss, ends[0].loss)
    cured = improved and score >= CURED[end.measure] and not soared
    lower = not all(end.loss > LOSS_SHOWS * other.loss for other in ends)
    by_loss = end.quality is None or (trial.same_loss and (lower or not improved))

    def shown(standing: Standing) -> float | None:
        return standing.loss if by_loss else standing.quality

    def validation(standing: Standing) -> float | None:
        return None if standing is BROKEN else shown(standing)

    better = min((0, 1), key=lambda i: _worst_last(shown(ends[i]), by_loss))
    kept, steps, without = baselines[better], course.steps, ends[better]
    if seen.early and not (by_loss and lower):  # the end does not show it: it learns sooner
        end, without, steps = course.quarter, kept.quarter, course.steps // 4
    return TrialResult(
        id=trial.id,
        steps=steps,
        measure="loss" if by_loss else end.measure,
        before=shown(start),
        after=shown(end),
        baseline=shown(without),
        val_before=validation(course.validation_before),
        val_after=validation(course.validation),
        val_baseline=validation(kept.validation),
        goal=trial.goal,
        same_loss=trial.same_loss,
        curves={
            "treated": course.curves,
            "baseline": kept.curves,
            "again": baselines[1 - better].curves,
        },
        score=round(score, 4),
        gain=round(seen.gain, 4),
        noise=round(seen.noise, 4),
        improved=improved,
        cured=cured,
    )


def _in_measure_of(course: Course, baseline: Course) -> Course:
    """Return the baseline measured as the treated course is, where it can be."""
    return replace(
        baseline,
        before=baseline.before.comparable(course.before),
        quarter=baseline.quarter.comparable(course.quarter),
        after=baseline.after.comparable(course.after),
        validation=baseline.validation.comparable(course.validation),
        validation_before=baseline.validation_before.comparable(course.validation_before),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a comparison shows. `early`: the effect is that it learns sooner."""

    score: float
    gain: float
    noise: float
    improved: bool
    early: bool = False


def _on_training(
    trial: Trial,
    baselines: tuple[Course, Course],
    others: Sequence[Course],
    course: Course,
) -> _Seen:
    """Return what is seen on the training data."""
    scores = [_score(b.before, b.after) for b in baselines]
    noise = abs(scores[0] - scores[1])
    score = _score(course.before, course.after)
    best = max(_score(b.before, b.after) for b in others)
    margin, gain = _margin(noise, best), score - best
    early = _score(course.before, course.quarter) - max(_score(b.before, b.quarter) for b in others)
    faster = gain > -MARGIN and early > max(margin, 2 * MARGIN)
    fall = _fall(course.before, course.after, [(b.before, b.after) for b in others])
    lower = trial.same_loss and fall > 0
    learnt = score - _score(course.before, course.before) > margin  # a lucky start is no effect
    better = ((gain > margin or faster) and learnt) or (lower and gain > -MARGIN)
    improved = better and not _harms(baselines, course)
    effect = max(gain, early if faster else gain)
    return _Seen(score, effect, noise, improved, early=faster and gain <= margin)


def _on_validation(
    trial: Trial,
    baselines: tuple[Course, Course],
    others: Sequence[Course],
    course: Course,
) -> _Seen:
    """Return what is seen on validation data."""
    start, end = course.validation_before, course.validation
    scores = [_score(b.validation_before, b.validation) for b in baselines]
    noise = abs(scores[0] - scores[1])
    score = _score(start, end)
    best = max(_score(b.validation_before, b.validation) for b in others)
    margin, gain = _margin(noise, best), score - best
    fall = _fall(start, end, [(b.validation_before, b.validation) for b in others])
    lower = trial.same_loss and fall > 0 and gain > -margin
    learnt = score > (0.0 if end.score is not None else MARGIN)
    effect = max(gain, min(fall, 1.0)) if lower else gain
    return _Seen(score, effect, noise, (gain > margin or lower) and learnt)


def _margin(noise: float, best: float) -> float:
    """Return what counts as an effect on scores: more than noise, which is large in sick cases."""
    return max(MARGIN, min(NOISES * noise, HALF * (1 - best)))


def _worst_last(value: float | None, by_loss: bool) -> float:
    if value is None or math.isnan(value):
        return math.inf
    return value if by_loss else -value


def _score(before: Standing, after: Standing) -> float:
    """Return 0 for guessing, 1 for perfect; the share of the loss that is gone where unknown."""
    if not math.isfinite(after.loss):
        return -1.0
    if after.score is not None:
        return max(min(after.score, 1.0), -1.0)
    if not math.isfinite(before.loss) or before.loss == 0:
        return 0.0
    return max(min((before.loss - after.loss) / abs(before.loss), 1.0), -1.0)


def _fall(before: Standing, after: Standing, others: Sequence[tuple[Standing, Standing]]) -> float:
    """Return how far the loss ended below all others, of the loss at the start; 0 within noise."""
    losses = [end.loss for _, end in others]
    mine, start = after.loss, before.loss
    if not math.isfinite(mine):
        return 0.0
    finite = [loss for loss in losses if math.isfinite(loss)]
    if len(finite) < len(losses):
        return 1.0 if mine < min([start, *finite]) else 0.0
    scale = max(min(abs(start), abs(others[0][0].loss)), 1e-12)
    fall, lowest = (min(losses) - mine) / scale, min(losses)
    noise = min(NOISES * abs(losses[0] - losses[1]), HALF * abs(lowest)) / scale
    return fall if fall > max(LOSS_MARGIN, noise) else 0.0


def _harms(baselines: tuple[Course, Course], course: Course) -> bool:
    """Return whether answers to validation data are clearly worse than without the treatment."""
    if course.validation is BROKEN or course.validation.score is None:
        return False
    others = [b.validation.score for b in baselines if b.validation.score is not None]
    if not others:
        return False
    noise = abs(max(others) - min(others))
    return course.validation.score < min(others) - max(MARGIN, NOISES * noise)
