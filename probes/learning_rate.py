"""Probe of the learning rate: which rates this case can bear, and at which it learns fastest.

A range sweep (Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3)
gives the first estimate; short runs at constant rates, each from the initial weights, decide. The
same search on standardised data separates a rate that is too high from data that are too large.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from expert.language import Text
from expert.observation import Observation
from probes.case.batches import Batch
from probes.optimizer import own_rate
from probes.probe import Probe
from probes.quantities.chance import chance_loss
from probes.training.answers import SAME
from probes.training.rate_search import Search, rate_of, sweep
from probes.training.regrouped import mixed
from probes.training.short_training import Ground, can_train, small_batches, survey
from probes.training.standardised import with_standard_inputs, with_standard_targets

if TYPE_CHECKING:
    from probes.running.examination import Examination

ENDLESS: Final = 10.0  # times its scale: a loss that falls so far has no floor


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `sweep.*` and `learning_rate.*`; nothing where nothing can be trained."""
    if not can_train(exam):
        return
    batches = mixed(exam, small_batches(exam))
    ground = survey(exam, batches, chance_of(exam))
    if ground is None:
        return
    search = Search(exam, ground)
    swept = sweep(exam, ground)
    yield exam.observe("sweep.losses", swept.losses, tuple(f"{rate:.3g}" for rate in swept.rates))
    exam.progress(0.3)
    largest = search.largest_stable(swept.largest)
    exam.progress(0.5)
    if largest is not None:
        yield from _stable(exam, rate_of(largest))
        search.descend(largest)
        exam.progress(0.65)
        yield from _best(exam, search, largest, swept.steepest)
    start = swept.largest if largest is None else rate_of(largest)
    yield from _standardised(exam, batches, start)


def chance_of(exam: Examination) -> float | None:
    """Return the loss of the best constant prediction, found before or measured now."""
    found = exam.found.get("loss.chance")
    if found is not None and isinstance(found.value, float):
        return found.value
    return chance_loss(exam)


def _stable(exam: Examination, rate: float) -> Iterator[Observation]:
    yield exam.observe("sweep.largest_stable_rate", rate)
    yield exam.observe("learning_rate.over_largest_stable", own_rate(exam.case) / rate)


def _best(
    exam: Examination, search: Search, largest: int, steepest: float | None
) -> Iterator[Observation]:
    best = search.best(largest)
    if best is None or not _learns(search, best):
        return
    run = search.tried[best]
    endless = run.drop(search.ground) > ENDLESS
    yield exam.observe("sweep.falls_without_end", endless)
    if endless:  # the higher the rate the lower the loss: no rate is the right one
        return
    suggested = float(f"{rate_of(search.suggested(best)):.0e}")
    yield exam.observe("sweep.suggested_rate", suggested)
    yield exam.observe("learning_rate.over_suggested", own_rate(exam.case) / suggested)
    yield exam.observe("sweep.best_loss_drop", run.drop(search.ground))
    if steepest is not None:
        yield exam.observe("sweep.steepest_rate", steepest)
    useful = rate_of(search.largest_useful(best))
    yield exam.observe("sweep.largest_useful_rate", useful)
    yield exam.observe("learning_rate.over_largest_useful", own_rate(exam.case) / useful)
    chance = search.ground.chance
    if chance is not None and chance > 0:
        yield exam.observe("sweep.best_end_over_chance", run.end / chance)


def _learns(search: Search, best: int) -> bool:
    """Return whether the best run learnt something of the inputs, not only its output's offset."""
    run, ground = search.tried[best], search.ground
    if run.learns(ground) and ground.chance is not None:
        return True
    return run.falls(ground) and (run.answers is None or run.answers.variation > SAME)


def _standardised(
    exam: Examination, batches: list[Batch], estimate: float
) -> Iterator[Observation]:
    worlds = (
        ("sweep.largest_stable_rate_standardised", with_standard_inputs),
        ("sweep.largest_stable_rate_standardised_target", with_standard_targets),
    )
    for done, (name, prepared) in enumerate(worlds):
        changed = prepared(exam, batches)
        if changed is None:
            continue
        ground = surveyed(exam, changed)
        if ground is None:
            continue
        found = Search(exam, ground).largest_stable(max(estimate, own_rate(exam.case)))
        if found is not None:
            yield exam.observe(name, rate_of(found))
        exam.progress(0.8 + 0.1 * done)


def surveyed(exam: Examination, changed: list[Batch]) -> Ground | None:
    """Return the ground that changed batches make; None where the user's code refuses them."""
    targets = [t for t in (batch.target_tensor for batch in changed) if t is not None]
    try:
        return survey(exam, changed, chance_loss(exam, targets))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError):
        return None


PROBE = Probe(
    id="learning_rate",
    title=Text(en="Which learning rates work", zh="哪些学习率可行"),
    needs=("loss", "optimizer", "gradients"),
    provides=(
        "sweep.losses",
        "sweep.largest_stable_rate",
        "sweep.steepest_rate",
        "sweep.suggested_rate",
        "sweep.best_loss_drop",
        "sweep.falls_without_end",
        "sweep.largest_useful_rate",
        "sweep.best_end_over_chance",
        "sweep.largest_stable_rate_standardised",
        "sweep.largest_stable_rate_standardised_target",
        "learning_rate.over_largest_stable",
        "learning_rate.over_suggested",
        "learning_rate.over_largest_useful",
    ),
    cost=250,
    measure=measure,
    usual=180,
    after=("labels", "loss_at_start"),
)
