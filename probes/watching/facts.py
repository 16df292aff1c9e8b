"""What was seen of a run, as observations under the names that the probes use."""

from __future__ import annotations

import functools
import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

from torch import nn

from expert.observation import Observation, Value
from probes import data, labels, loss_input
from probes.case.batches import Batch
from probes.isolation.random_state import remember_process
from probes.recording.loss_call import LossCall
from probes.watching.course import course_facts, fit_facts, schedule_facts
from probes.watching.loader_facts import loader_facts
from probes.watching.losses import Fed
from probes.watching.settings import ORIGIN, StandIn
from probes.watching.update_facts import update_facts
from probes.watching.watcher import Watcher

_NOT_HERE: Final = frozenset(  # said of batches drawn one after the other, which these are not
    {"input.repeated_batch", "input.repeated_batch_share", "input.identical_sample_share"}
)
_LEAST_STEPS: Final = 20  # before an optimizer that has not stepped yet is remarkable
_LEAST_COUNTED: Final = 3  # updates before their usual number of batches is told
_OF_ONE_LOSS: Final = frozenset(  # "real" and "fake" of an adversarial pair are no sorted labels
    {
        "target.single_label_batch_share",
        "target.single_label_batch_expected",
        "target.batch_mixing",
    }
)


def observations(watcher: Watcher) -> list[Observation]:
    """Return everything that is known at the end; what cannot be worked out is left out."""
    run = watcher.now.guard.run
    return _from(watcher, lambda name, part: run(name, part), course=True)


def observations_so_far(watcher: Watcher, *, course: bool) -> list[Observation]:
    """Return what is known while the run goes on, which nothing that it finds disturbs.

    `course`: also how losses and rates went, which says little before the end.
    """
    restores = remember_process()
    try:
        return _from(watcher, watcher.now.guard.attempt, course=course)
    finally:
        for restore in restores:
            restore()


def _from(
    watcher: Watcher, run: Callable[[str, Callable[[], Any]], Any], *, course: bool
) -> list[Observation]:
    found: dict[str, Observation] = {}
    parts: list[Callable[[Watcher], Iterator[Observation]]] = [
        _what_was_given,
        _settings,
        loader_facts,
        _losses,
        update_facts,
        _modes,
        _loop,
        _nonfinite,
        _places,
    ]
    parts += [_course] if course else []
    for part in parts:
        told = run(f"facts {part.__name__}", functools.partial(_listed, part, watcher))
        found |= {fact.name: fact for fact in told or ()}
    return list(found.values())


def _listed(
    part: Callable[[Watcher], Iterator[Observation]], watcher: Watcher
) -> list[Observation]:
    return list(part(watcher))


def observe(name: str, value: Value, where: tuple[str, ...] = ()) -> Observation:
    """Return an observation of the watching's."""
    return Observation(name, value, where, ORIGIN)


def main_fed(watcher: Watcher) -> Fed | None:
    """Return what the loss function was given, where there is one loss function."""
    if len(watcher.losses.functions) != 1:
        return None
    return watcher.losses.fed.get(next(iter(watcher.losses.functions)))


def _what_was_given(watcher: Watcher) -> Iterator[Observation]:
    """Let the probes that only look at data and losses look at what was kept."""
    fed = main_fed(watcher)
    main = watcher.settings.main
    module = main.module() if main is not None else None
    pairs = watcher.losses.samples
    batches = [Batch(x, y, (x, y), int(y.shape[0])) for x, y in pairs if y.shape[0]]
    case = SimpleNamespace(loss_fn=None, step=None, task=None, num_classes=None, train_loader=None)
    exam: Any = StandIn(module or nn.Identity(), case)
    exam.batches, exam.batch = batches, batches[0] if batches else None
    calls = [_call(fed)] if fed is not None else []
    exam.recording = SimpleNamespace(
        output=fed.input if fed is not None else None,
        output_last=fed.last if fed is not None else None,
        loss_calls=calls,
        loss_call=calls[0] if calls else None,
        broadcasts=_broadcasts(watcher),
        loss_has_graph=True,
        refusal=None,
    )
    looking = []
    if batches and module is not None:
        looking.append(data.measure)
    if batches and fed is not None:
        looking.append(labels.measure)
    if fed is not None:
        looking.append(loss_input.measure)
    elif exam.recording.broadcasts:
        looking.append(_broadcast_only)
    left_out = _NOT_HERE if watcher.losses.main() is not None else _NOT_HERE | _OF_ONE_LOSS
    for measure in looking:
        yield from _as_far_as_it_goes(measure, exam, left_out)


def _as_far_as_it_goes(measure: Any, exam: Any, left_out: frozenset[str]) -> Iterator[Observation]:
    facts = iter(measure(exam))
    while True:
        try:
            fact = next(facts)
        except Exception:  # it looks for something that was not kept; what it has said stands
            return
        exam.found[fact.name] = fact
        if fact.name not in left_out:
            yield fact


def _broadcast_only(exam: Any) -> Iterator[Observation]:
    prediction, target, joint = exam.recording.broadcasts[0]
    yield observe("loss.broadcasts", True)
    yield observe("loss.broadcast_shapes", f"{prediction} with {target} -> {joint}")


def _call(fed: Fed) -> LossCall:
    return LossCall(
        function=fed.function,
        input=fed.input,
        target=fed.target,
        reduction=fed.options.get("reduction", "mean"),
        last=fed.last,
        learned=fed.learned,
        inside=False,
        options={name: v for name, v in fed.options.items() if name != "reduction"},
    )


def _broadcasts(watcher: Watcher) -> tuple[Any, ...]:
    """Return (prediction, target, joint) where shapes that do not belong together were paired."""
    fed = main_fed(watcher)
    pairing = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
    if fed is not None and fed.function in pairing:
        one, other = fed.input_shape, fed.target_shape
        mixed = len(one) != len(other) and math.prod(one) == math.prod(other) > 1
        joint = tuple(
            max(a, b) for a, b in itertools.zip_longest(reversed(one), reversed(other), fillvalue=1)
        )[::-1]
        if mixed and math.prod(joint) > math.prod(one):
            return ((one, other, joint),)
    seen, drawn = watcher.losses.broadcast, watcher.loading.current
    if seen is not None and drawn is not None:
        prediction, joint = seen
        known = {shape for entry in watcher.loading.shapes for shape in entry}
        if (prediction[0],) in known:
            return ((prediction, (prediction[0],), joint),)
    return ()


def _settings(watcher: Watcher) -> Iterator[Observation]:
    return iter(watcher.settings.facts.values())


def _losses(watcher: Watcher) -> Iterator[Observation]:
    losses = watcher.losses
    backwards = watcher.now.backwards
    if backwards:
        yield observe("loss.has_graph", losses.without_graph < backwards)
    yield observe("watch.backward_passes", backwards)
    if len(losses.functions) == 1:
        yield observe("loss.function", next(iter(losses.functions)))


def _modes(watcher: Watcher) -> Iterator[Observation]:
    main = watcher.settings.main
    if main is not None and main.modes[False] + main.modes[True]:
        share = main.modes[False] / (main.modes[False] + main.modes[True])
        yield observe("mode.training", share < 0.5)
        yield observe("mode.matters", main.matters)
        yield observe("watch.eval_mode_share", share)
        if main.first_mode is not None:
            yield observe("watch.began_in_training_mode", main.first_mode)
    evaluated = [loader for loader in watcher.loading.seen.values() if not loader.trained]
    batches = sum(loader.evaluated for loader in evaluated)
    if batches:
        resting = sum(loader.resting for loader in evaluated)
        yield observe("watch.evaluated_in_training_mode", resting / batches)


def _loop(watcher: Watcher) -> Iterator[Observation]:
    updates, now = watcher.updates, watcher.now
    yield observe("watch.optimizers", max(updates.built, len(updates.seen)))
    if now.step >= _LEAST_STEPS:
        yield observe("watch.idle_optimizers", len(watcher.idle_optimizers()))
    if not now.compiled or now.step:
        yield observe("loop.updates", now.step)
    if updates.attempts:
        yield observe("amp.skipped_share", updates.skipped / updates.attempts)
    if not now.step:
        if updates.built and not now.compiled and now.backwards >= 3:
            changed = watcher.weights_changed()
            if changed is not None:
                yield observe("loop.changes_weights", changed)
            yield observe("loop.zeroes_gradients", watcher.zeroings > 0)
        return
    judged = sum(seen.judged for seen in updates.seen.values())
    if judged >= 2:
        stale = [s for s in updates.seen.values() if s.judged >= 2 and s.carried == s.judged]
        yield observe("loop.carries_gradients_over", bool(stale))
        yield observe("loop.zeroes_gradients", any(s.fresh for s in updates.seen.values()))
    yield from _passes_per_update(watcher)
    yield observe("loop.clips", updates.clippings > 0)
    if updates.attempts:
        yield observe("loop.clips_scaled_gradients", updates.clippings_scaled > 0)
    pairs = [(n, b) for n, b in zip(updates.norms, updates.bounds, strict=True) if math.isfinite(n)]
    if pairs:
        left = [min(1.0, bound / norm) if norm > 0 else 1.0 for norm, bound in pairs]
        yield observe("loop.clipped_share", sum(share < 0.99 for share in left) / len(left))
        yield observe("loop.gradient_norm", statistics.median(norm for norm, _ in pairs))
        yield observe("loop.gradient_left", statistics.median(left))
        yield observe("loop.clip_bound", statistics.median(bound for _, bound in pairs))


def _passes_per_update(watcher: Watcher) -> Iterator[Observation]:
    """Tell how many backward passes an update is made of, in a loop with one loss.

    With several losses a pass may be another optimizer's; a GradScaler skips updates of its own.
    """
    if watcher.losses.main() is None or watcher.updates.attempts or len(watcher.updates.seen) > 1:
        return
    counted = [one for seen in watcher.updates.seen.values() for one in seen.per_update]
    if len(counted) >= _LEAST_COUNTED:
        passes, kept = zip(*counted, strict=True)
        yield observe("loop.batches_per_update", float(statistics.median(passes)))
        yield observe("loop.batches_kept_per_update", float(statistics.median(kept)))


def _course(watcher: Watcher) -> Iterator[Observation]:
    curve = watcher.losses.main()
    if curve is not None:
        yield from course_facts(curve, watcher.now.step)
        if len(watcher.losses.functions) == 1:
            yield from fit_facts(watcher)
    yield from schedule_facts(watcher)


def _nonfinite(watcher: Watcher) -> Iterator[Observation]:
    found = watcher.forwards.nonfinite
    if found is not None:
        yield observe("watch.nonfinite_module", found[0])
        yield observe("watch.nonfinite_module_step", found[1])


def _places(watcher: Watcher) -> Iterator[Observation]:
    lines = watcher.now.lines
    fed = main_fed(watcher)
    places = {
        "place.loss_call": lines.most(f"loss:{fed.function}") if fed is not None else None,
        "place.backward": lines.most("backward"),
        "place.step": lines.most("step"),
        "place.optimizer": watcher.settings.repeated or lines.most("optimizer"),
        "place.clipping": lines.most("clipping"),
        "place.scheduler": watcher.scheduler,
    }
    idle = watcher.idle_optimizers()
    places["place.idle_optimizer"] = lines.of(idle[0]) if idle else None
    main = watcher.settings.main
    if main is not None:
        places["place.model"] = main.place
    trained = [loader for loader in watcher.loading.seen.values() if loader.trained]
    if trained:
        places["place.train_loader"] = max(trained, key=lambda loader: loader.trained).place
    resting = [loader for loader in watcher.loading.seen.values() if not loader.trained]
    if resting and trained:
        places["place.val_loader"] = max(resting, key=lambda loader: loader.evaluated).place
    for name, place in places.items():
        if place is not None:
            yield observe(name, place)
    if main is not None and main.places:
        yield observe("place.layer", tuple(main.places.values()), tuple(main.places))
