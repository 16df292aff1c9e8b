"""The records of all ranks together, as facts: what none of them can see alone."""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections.abc import Iterator, Mapping
from typing import Any, Final

from expert.observation import Observation, Value
from probes.watching.settings import ORIGIN

#: Errors of a rank that has lost another one.
_TALK: Final = re.compile(r"connection|timed? ?out|gloo|nccl|peer|broken pipe", re.IGNORECASE)
_LEAST_BATCHES: Final = 3
_LEAST_SAMPLES: Final = 16

Records = Mapping[int, Mapping[str, Any]]


def combined(records: Records, own: list[Observation]) -> list[Observation]:
    """Return one rank's observations, with those that take all ranks added or put in their place.

    `records`: by rank; empty for a rank that has left none.
    """
    found = {observation.name: observation for observation in own}
    for part in (_states, _data, _replicas, _nonfinite, _wrapping, _whole_tensors):
        try:
            told = list(part(records))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            continue  # a record of another version, or cut short: the others still count
        found |= {fact.name: fact for fact in told}
    return list(found.values())


def _fact(name: str, value: Value, where: tuple[str, ...] = ()) -> Observation:
    return Observation(name, value, where, ORIGIN)


def _states(records: Records) -> Iterator[Observation]:
    yield _fact("distributed.world_size", len(records))
    lost = [r for r, record in records.items() if record.get("state") is None]
    yield _fact("distributed.silent_ranks", len(lost))
    if lost:
        yield _fact("distributed.silent_rank", lost[0])
        yield _fact("distributed.silent_rank_steps", int(records[lost[0]].get("steps", 0)))
    failed = [r for r, record in records.items() if record.get("state") == "failed"]
    if failed:
        first = min(failed, key=lambda r: records[r].get("time", math.inf))
        yield _fact("distributed.failed_rank", first)
        yield _fact("distributed.failure", str(records[first].get("error")))
    cut = [str(records[r].get("error")) for r in failed]
    ended = any(record.get("state") == "terminated" for record in records.values())
    if failed or ended:
        yield _fact(
            "distributed.others_cut_off", all(_TALK.search(error) is not None for error in cut)
        )
    place = next((r["place"] for r in records.values() if r.get("place")), None)
    if place:
        yield _fact("place.backward", place)


def _data(records: Records) -> Iterator[Observation]:
    full = [record for record in records.values() if "batches" in record]
    if len(full) < 2 or not all(record.get("wrapper") == "ddp" for record in full):
        return  # ranks that hold parts of one model are to see the same batches
    pairs = list(itertools.combinations(full, 2))
    if all(len(record["batches"]) >= _LEAST_BATCHES for record in full):
        same = [_equal(a["batches"], b["batches"]) for a, b in pairs]
        yield _fact("distributed.same_batches_share", max(same))
    if all(len(set(record["samples"])) >= _LEAST_SAMPLES for record in full):
        shared = [_shared(a["samples"], b["samples"]) for a, b in pairs]
        yield _fact("distributed.shared_samples_share", max(shared))
    yield _fact("distributed.divides_data", all(record["divides"] for record in full))
    counts = {f"rank {r}": int(record.get("trained", 0)) for r, record in records.items()}
    if min(counts.values()) > 0:
        yield _fact("distributed.batch_counts", tuple(counts.values()), tuple(counts))
        spread = max(counts.values()) - min(counts.values())
        ended = [int(r.get("trained", 0)) for r in records.values() if r.get("state") == "ended"]
        failed = [r for r in records.values() if r.get("state") not in ("ended", None)]
        if len(ended) == len(records) or (ended and failed and min(ended) < max(counts.values())):
            yield _fact("distributed.batch_count_spread", spread)
    shuffled = [r for r in full if r["sampler_shuffles"] and r["epochs_begun"] >= 3]
    if shuffled:
        unset = all(record["sampler_epoch"] == 0 for record in shuffled)
        yield _fact("distributed.epoch_never_set", unset)


def _equal(one: list[int], other: list[int]) -> float:
    pairs = list(zip(one, other, strict=False))
    return sum(a == b for a, b in pairs) / len(pairs)


def _shared(one: list[int], other: list[int]) -> float:
    a, b = set(one), set(other)
    return len(a & b) / min(len(a), len(b))


def _replicas(records: Records) -> Iterator[Observation]:
    full = [record for record in records.values() if record.get("values")]
    if len(full) < 2 or not all(record.get("wrapper") == "ddp" for record in full):
        return
    steps = set.intersection(*(set(record["values"]) for record in full))
    differing = {}
    for step in sorted(steps, key=int):
        differing[int(step)] = max(
            _distance(a["values"][step], b["values"][step])
            for a, b in itertools.combinations(full, 2)
        )
    if differing:
        yield _fact("distributed.replica_difference", max(differing.values()))
        apart = [step for step, distance in differing.items() if distance > 1e-4]
        if apart:
            yield _fact("distributed.replicas_apart_step", min(apart))


def _distance(one: list[float], other: list[float]) -> float:
    """Return the largest difference over the usual size; 0 where not finite (NaN is all ranks')."""
    if len(one) != len(other):
        return math.inf
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if math.isfinite(a + b)]
    size = math.sqrt(statistics.fmean(a * a for a, _ in pairs)) if pairs else 0.0
    return max(abs(a - b) for a, b in pairs) / size if size else 0.0


def _nonfinite(records: Records) -> Iterator[Observation]:
    steps = {
        r: int(record["nonfinite_loss"])
        for r, record in records.items()
        if record.get("nonfinite_loss") is not None
    }
    if not steps:
        return
    first = min(steps, key=lambda r: steps[r])
    others = [steps.get(r, math.inf) for r in records if r != first]
    yield _fact("distributed.nonfinite_alone", all(step > steps[first] for step in others))
    yield _fact("distributed.nonfinite_rank", first)
    yield _fact("distributed.nonfinite_step", steps[first])


def _wrapping(records: Records) -> Iterator[Observation]:
    full = [record for record in records.values() if "wrapper" in record]
    kinds = {record["wrapper"] for record in full}
    if kinds == {"ddp"}:
        calls = sum(record["past"] + record["through"] for record in full)
        if calls:
            share = sum(record["past"] for record in full) / calls
            yield _fact("distributed.past_wrapper_share", share)
        yield _fact("distributed.batch_norm_apart", any(r["plain_norm"] for r in full))
        yield _fact("distributed.samples_per_rank", max(r["batch_size"] for r in full))
    if kinds == {"fsdp"}:
        yield _fact("distributed.holds_unsharded", any(r["held_before"] for r in full))


def _whole_tensors(records: Records) -> Iterator[Observation]:
    """Put update ratios of sharded parameters together: squares add up over the ranks."""
    parts = [record["squares"] for record in records.values() if record.get("squares")]
    if not parts or len(parts) < len(records):
        return
    names = dict.fromkeys(name for part in parts for name in part)
    ratios = {}
    for name in names:
        by_step: dict[float, list[tuple[float, float]]] = {}
        holders = [part[name] for part in parts if name in part]  # some ranks' parts are empty
        for entries in holders:
            for step, change, size in entries:
                by_step.setdefault(step, []).append((change, size))
        whole = [
            math.sqrt(sum(c for c, _ in entry) / sum(s for _, s in entry))
            for entry in by_step.values()
            if len(entry) == len(holders) and sum(s for _, s in entry) > 0
        ]
        if whole:
            ratios[name] = statistics.median(whole)
    if ratios:
        yield _fact("update.ratio", tuple(ratios.values()), tuple(ratios))
        yield _fact("update.ratio_median", statistics.median(ratios.values()))
        yield _fact("update.ratio_max", max(ratios.values()))
